create or replace function _wedding_dbopt.check_statistics(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with held as (
    select held.*,
           coalesce(substring(array_to_string(held.options, ' ') from 'autovacuum_analyze_threshold=(\d+)'), current_setting('autovacuum_analyze_threshold'))::float8
             + coalesce(substring(array_to_string(held.options, ' ') from 'autovacuum_analyze_scale_factor=([\d.]+)'), current_setting('autovacuum_analyze_scale_factor'))::float8
             * held.tuples as analyzed_at
    from _wedding_dbopt.user_tables() as held where held.kind in ('r', 'm')
  ), partitioned as (
    -- Autovacuum never analyses the parent itself, and without its statistics joins are planned blindly.
    select held.relid, held.name, sum(pg_stat_get_live_tuples(pg_inherits.inhrelid)) as live
    from _wedding_dbopt.user_tables() as held join pg_inherits on pg_inherits.inhparent = held.relid
    where held.kind = 'p' and held.last_analyze is null
    group by held.relid, held.name
  ), lowered as (
    select held.relid, held.name, held.tuples, pg_attribute.attname, (to_jsonb(pg_attribute) ->> 'attstattarget')::integer as target,
           substring(array_to_string(pg_attribute.attoptions, ' ') from 'n_distinct=(-?[\d.]+)')::float8 as pinned
    from held join pg_attribute on pg_attribute.attrelid = held.relid and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    where held.tuples >= 10000
  )
  select 'never_analyzed', 'warning', held.name, held.relid, null::integer[], 'vacuum ' || held.name,
         format('%s has about %s rows and was never analysed: the planner guesses how many rows each condition leaves.', held.name, held.live),
         jsonb_build_object('rows', held.live), 'analyze ' || held.name
  from held
  where held.last_analyze is null and held.live >= 1000 and held.modified > held.analyzed_at
  union all
  select 'never_analyzed', 'warning', partitioned.name, partitioned.relid, null, null,
         format('The partitioned table %s (%s rows) was never analysed, and autovacuum analyses its partitions only: joins with it are planned blindly.', partitioned.name, partitioned.live),
         jsonb_build_object('rows', partitioned.live), 'analyze ' || partitioned.name
  from partitioned where partitioned.live >= 1000
  union all
  select 'stale_statistics', 'warning', held.name, held.relid, null, 'vacuum ' || held.name,
         format('%s rows of %s changed since it was analysed at %s, of about %s: estimates are of another table.', held.modified, held.name,
                to_char(held.last_analyze, 'YYYY-MM-DD HH24:MI TZ'), held.live),
         jsonb_build_object('modified', held.modified, 'rows', held.live, 'last_analyze', held.last_analyze), 'analyze ' || held.name
  from held
  where held.last_analyze is not null and held.modified >= 10000 and held.modified > 3 * held.analyzed_at
  union all
  select 'lowered_statistics_target', 'warning', format('%s.%I', lowered.name, lowered.attname), lowered.relid, null, null,
         format('The statistics target of %I in %s (%s rows) was lowered to %s from %s: %s.', lowered.attname, lowered.name, round(lowered.tuples),
                lowered.target, current_setting('default_statistics_target'),
                case lowered.target when 0 then 'the planner knows nothing about it' else 'frequent values beyond that number are unknown to the planner' end),
         jsonb_build_object('target', lowered.target, 'rows', lowered.tuples),
         format('alter table %s alter column %I set statistics -1;
analyze %1$s (%2$I)', lowered.name, lowered.attname)
  from lowered
  where lowered.target >= 0 and lowered.target < least(100, current_setting('default_statistics_target')::integer)
  union all
  select 'pinned_distinct_values', 'info', format('%s.%I', lowered.name, lowered.attname), lowered.relid, null, null,
         format('Somebody fixed the number of distinct values of %I in %s at %s; the table has about %s rows.', lowered.attname, lowered.name,
                lowered.pinned, round(lowered.tuples)),
         jsonb_build_object('pinned', lowered.pinned, 'rows', lowered.tuples),
         format('alter table %s alter column %I reset (n_distinct);
analyze %1$s (%2$I)', lowered.name, lowered.attname)
  from lowered where lowered.pinned > lowered.tuples;
end $$;
comment on function _wedding_dbopt.check_statistics(timestamptz) is 'Findings: tables the planner knows nothing, or only old things, about.';
