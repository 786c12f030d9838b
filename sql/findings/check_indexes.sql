create or replace function _wedding_dbopt.check_indexes(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with redundant as materialized (
    select * from _wedding_dbopt.redundant_indexes()
  ), described as materialized (
    select index.oid, format('%I.%I', held.schema_name, index.relname) as name, held.relid, held.name as table_name, held.pages as table_pages,
           index.relname ~ '_cc(new|old)\d*$' as is_left_over, index.relkind = 'I' as is_partitioned, pg_index.indisvalid, pg_index.indisunique,
           index.relpages * current_setting('block_size')::bigint as size, index.relpages, index.reltuples,
           held.inserted + held.updated - held.hot_updated as entries,
           exists (select from pg_constraint where conindid = index.oid) as is_constraint,
           index.relispartition as is_part, pg_index.indisreplident, pg_index.indisready, pg_index.indislive,
           -- What is invalid was never finished, or somebody began to drop it: to build it again may fail at the first key that is there twice.
           pg_index.indisunique and index.relname !~ '_cc(new|old)\d*$' and not index.relispartition
             and not exists (select from pg_constraint where conindid = index.oid) as promises
    from _wedding_dbopt.user_tables() as held
    join pg_index on pg_index.indrelid = held.relid
    join pg_class as index on index.oid = pg_index.indexrelid
  ), redundant_one as (
    select described.*, redundant.is_equal, redundant.covered_by, _wedding_dbopt.table_name(redundant.covered_by) as keeper
    from redundant join described on described.oid = redundant.indexrelid
  ), calendar as (
    select distinct on (season.name) season.name, season.first_day, season.last_day, season.enabled
    from _wedding_dbopt.season
    where season.region in ('default', _wedding_dbopt.setting_value('region'))
    order by season.name, season.region = 'default'
  ), season as (
    -- The time from which on a fortnight of the season was seen.
    select calendar.name,
           (select day from generate_series(check_indexes.at - interval '400 days', check_indexes.at, interval '1 day') as day
            where case when first_day <= last_day then to_char(day, 'MM-DD') between first_day and last_day
                       else to_char(day, 'MM-DD') >= first_day or to_char(day, 'MM-DD') <= last_day end
            order by day desc offset 13 limit 1) as needed_from
    from calendar where calendar.enabled
  ), unused as (
    select described.*, known.unused_since, extract(day from check_indexes.at - known.unused_since) as days
    from described
    join _wedding_dbopt.index_use as known on known.name = described.name
    where described.indisvalid and not described.indisunique and not described.is_constraint and not described.is_part and not described.indisreplident
      and described.relpages >= 128
      and pg_stat_get_numscans(described.oid) <= known.scans
      and known.unused_since <= check_indexes.at - _wedding_dbopt.setting_value('unused_index_window')::interval
      and not exists (select from season where season.needed_from < known.unused_since)
      and not exists (select from _wedding_dbopt.replica_use as used where used.relid = described.oid and used.used_at > known.unused_since)
      -- What a replica did before it was known here, or since it was last heard of, nobody knows.
      and not exists (select from _wedding_dbopt.replica
                      where replica.added_at > check_indexes.at - _wedding_dbopt.setting_value('unused_index_window')::interval
                         or replica.fetched_at is null or replica.fetched_at < check_indexes.at - interval '1 day')
      and not exists (select from redundant where redundant.indexrelid = described.oid)
  )
  select 'invalid_index', 'warning', described.name, described.relid, null::integer[], null::text,
         format('The index %s on %s is invalid: it %s, and serves no query.', described.name, described.table_name,
                case when described.indisready then 'costs writes and ' || pg_size_pretty(described.size)
                     else 'was never finished, takes ' || pg_size_pretty(described.size) end)
           || case when described.promises then ' A unique index that is invalid promises nothing: make it anew once its keys are unique.' else '' end,
         jsonb_build_object('bytes', described.size, 'written', described.indisready, 'unique', described.promises),
         case when described.is_left_over or described.promises or not described.indislive or (not described.indisunique
                and exists (select from pg_index as broken
                            join pg_index as sound on sound.indrelid = broken.indrelid and sound.indisvalid and sound.indkey = broken.indkey
                             and sound.indclass = broken.indclass and sound.indoption = broken.indoption
                            where broken.indexrelid = described.oid and broken.indexprs is null and sound.indexprs is null
                              and broken.indpred is null and sound.indpred is null))
              then 'drop index concurrently ' || described.name
              else 'reindex index concurrently ' || described.name end
  from described
  where not described.indisvalid and not described.is_partitioned
    -- What an action hides from the planner until its verdict is no broken index.
    and not exists (select from _wedding_dbopt.action where action.state in ('applying', 'verifying') and action.details ->> 'oid' = described.oid::text)
    and not exists (select from pg_stat_progress_create_index as build where build.relid = described.relid or build.relid is null)
  union all
  select 'redundant_index', case when redundant_one.is_equal then 'warning' else 'info' end, redundant_one.name, redundant_one.relid, null, null,
         case when redundant_one.is_equal
              then format('The index %s on %s equals %s: %s and a write per row for nothing.', redundant_one.name, redundant_one.table_name, redundant_one.keeper, pg_size_pretty(redundant_one.size))
              else format('%s holds all that the index %s on %s holds, in the same order: %s and a write per row for little. The wider index is slower to read where it is much bigger.',
                          redundant_one.keeper, redundant_one.name, redundant_one.table_name, pg_size_pretty(redundant_one.size)) end,
         jsonb_build_object('bytes', redundant_one.size, 'covered_by', redundant_one.keeper, 'equal', redundant_one.is_equal),
         case when redundant_one.is_partitioned then 'drop index ' else 'drop index concurrently ' end || redundant_one.name
  from redundant_one
  union all
  select 'unused_index', 'info', unused.name, unused.relid, null, null,
         format('No scan of the index %s on %s (%s) in %s days, with a fortnight of each season of the calendar among them; writes added %s entries since the counters began. A standby that add_replica() does not know may use it: look there before you drop it.',
                unused.name, unused.table_name, pg_size_pretty(unused.size), unused.days, unused.entries),
         jsonb_build_object('bytes', unused.size, 'days', unused.days, 'unused_since', unused.unused_since, 'entries_written', unused.entries,
           'definition', case when not exists (select from _wedding_dbopt.locked_relations() as locked where locked = unused.relid) then pg_get_indexdef(unused.oid) end),
         'drop index concurrently ' || unused.name
  from unused;
end $$;
comment on function _wedding_dbopt.check_indexes(timestamptz) is
  'Findings: invalid, redundant and unused indexes; unused are those of a window with a fortnight of each season in it.';
