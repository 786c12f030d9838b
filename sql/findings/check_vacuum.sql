create or replace function _wedding_dbopt.check_vacuum(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with held as (
    select held.*, coalesce(array_to_string(held.options, ' '), '') as said,
           coalesce(substring(array_to_string(held.options, ' ') from 'autovacuum_vacuum_threshold=(\d+)'), current_setting('autovacuum_vacuum_threshold'))::float8
             + coalesce(substring(array_to_string(held.options, ' ') from 'autovacuum_vacuum_scale_factor=([\d.]+)'), current_setting('autovacuum_vacuum_scale_factor'))::float8
             * held.tuples as vacuumed_at
    from _wedding_dbopt.user_tables() as held where held.kind in ('r', 'm')
  ), oldest_holder as (
    select min(holder.since) as since from _wedding_dbopt.horizon_holders() as holder
  ), age as (
    select pg_database.datname, age(pg_database.datfrozenxid) as xids, mxid_age(pg_database.datminmxid) as multixacts,
           current_setting('autovacuum_freeze_max_age')::bigint as xid_limit, current_setting('autovacuum_multixact_freeze_max_age')::bigint as multixact_limit
    from pg_database where pg_database.datallowconn and pg_database.datname = current_database()
  )
  select 'autovacuum_off_for_table', 'warning', held.name, held.relid, null::integer[], 'vacuum ' || held.name,
         format('Autovacuum is switched off for %s: dead rows stay (%s now), statistics grow old, and its transaction ids too.', held.name, held.dead),
         jsonb_build_object('dead', held.dead, 'live', held.live),
         format(E'alter table %s reset (autovacuum_enabled);\nvacuum (analyze) %1$s', held.name)
  from held where held.said ~ 'autovacuum_enabled=(false|off|0|no)'
  union all
  select 'dead_rows', case when held.dead >= held.live then 'critical' else 'warning' end, held.name, held.relid, null,
         case when held.last_vacuum > oldest_holder.since then 'horizon' else 'vacuum ' || held.name end,
         format('%s of %s rows in %s are dead, autovacuum should come at %s; its last vacuum ended %s.%s', held.dead, held.dead + held.live, held.name,
                round(held.vacuumed_at), coalesce(to_char(held.last_vacuum, 'YYYY-MM-DD HH24:MI TZ'), 'never'),
                case when held.last_vacuum > oldest_holder.since then ' An old transaction kept it from removing them.' else '' end),
         jsonb_build_object('dead', held.dead, 'live', held.live, 'autovacuum_at', held.vacuumed_at, 'last_vacuum', held.last_vacuum),
         concat_ws(E';\n', case when held.tuples >= 1000000 and held.said !~ 'autovacuum_vacuum_scale_factor'
                                then format('alter table %s set (autovacuum_vacuum_scale_factor = 0.02)', held.name) end,
                           'vacuum (analyze) ' || held.name)
  from held, oldest_holder
  where held.dead >= 10000 and held.dead > 2 * held.vacuumed_at
  union all
  select 'dead_rows_kept', 'warning', holder.name, null, null, 'horizon',
         format('Vacuum removes no row that died in the last %s transactions, because of %s.', to_char(holder.age, 'FM9,999,999,999'), holder.name),
         jsonb_build_object('holder', holder.name, 'age', holder.age), null
  from (select * from _wedding_dbopt.horizon_holders() as held where held.age is not null order by held.age desc limit 1) as holder
  where holder.age > current_setting('autovacuum_freeze_max_age')::bigint / 100
  union all
  select 'never_vacuumed', 'info', held.name, held.relid, null, 'vacuum ' || held.name,
         format('%s of the %s pages of %s are known to be visible to all: index-only scans read the table after all, and freezing it will come in one great piece.',
                held.all_visible, held.pages, held.name),
         jsonb_build_object('pages', held.pages, 'all_visible', held.all_visible), 'vacuum ' || held.name
  from held
  where held.pages >= 1280 and held.last_vacuum is null and held.all_visible < 0.5 * held.pages
    and held.inserted > coalesce(substring(held.said from 'autovacuum_vacuum_insert_scale_factor=([\d.]+)'), current_setting('autovacuum_vacuum_insert_scale_factor'))::float8 * held.tuples
                        + current_setting('autovacuum_vacuum_insert_threshold')::float8
  union all
  select 'few_hot_updates', 'info', held.name, held.relid, null, null,
         format('%s of %s updates of %s stayed in their page (HOT); each other one writes to every index. Pages are filled to the last byte; where no indexed column changes, free room in them helps.',
                held.hot_updated, held.updated, held.name),
         jsonb_build_object('updated', held.updated, 'hot_updated', held.hot_updated),
         format('alter table %s set (fillfactor = 85)', held.name)
  from held
  where held.updated >= 10000 and held.hot_updated < 0.3 * held.updated and held.said !~ 'fillfactor'
    and exists (select from pg_index where indrelid = held.relid)
  union all
  select 'transaction_id_age', case when age.xids > 1500000000 then 'critical' else 'warning' end, age.datname::text, null, null, 'wraparound',
         format('The oldest transaction id is %s transactions old, the server stops at about 2,100,000,000: vacuum lags, most in %s.',
                to_char(age.xids, 'FM9,999,999,999'), oldest.name),
         jsonb_build_object('age', age.xids, 'autovacuum_freeze_max_age', age.xid_limit, 'table', oldest.name), 'vacuum (freeze) ' || oldest.name
  from age, lateral (select _wedding_dbopt.table_name(oid) as name from pg_class where relkind in ('r', 'm', 't') order by age(relfrozenxid) desc limit 1) as oldest
  where age.xids > 2 * age.xid_limit
  union all
  select 'multixact_age', case when age.multixacts > 1500000000 then 'critical' else 'warning' end, age.datname::text, null, null, 'wraparound',
         format('The oldest multixact (a row locked by several) is %s old, the server stops at about 2,100,000,000: vacuum lags, most in %s.',
                to_char(age.multixacts, 'FM9,999,999,999'), oldest.name),
         jsonb_build_object('age', age.multixacts, 'autovacuum_multixact_freeze_max_age', age.multixact_limit, 'table', oldest.name), 'vacuum (freeze) ' || oldest.name
  from age, lateral (select _wedding_dbopt.table_name(oid) as name from pg_class where relkind in ('r', 'm', 't') order by mxid_age(relminmxid) desc limit 1) as oldest
  where age.multixacts > 2 * age.multixact_limit;
end $$;
comment on function _wedding_dbopt.check_vacuum(timestamptz) is
  'Findings: dead rows and what keeps them, tables without vacuum, transaction ids near their end.';
