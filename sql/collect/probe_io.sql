-- pg_stat_io came with PostgreSQL 16; which kinds of process it lists does not change while a server runs.
create or replace function _wedding_dbopt.probe_io(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  processes text[];
  counters  numeric[];
  reset_at  timestamptz;
  growth    numeric[];
begin
  if to_regclass('pg_catalog.pg_stat_io') is null then
    return jsonb_build_object();
  end if;
  execute $sql$
    select array_agg(o.backend_type || ' ' || o.operation order by o.backend_type, o.operation),
           array_agg(o.count order by o.backend_type, o.operation), max(o.stats_reset)
    from (select i.backend_type, c.operation, sum(c.count) as count, max(i.stats_reset) as stats_reset
          from pg_stat_io i
          cross join lateral (values ('reads', i.reads), ('writes', i.writes), ('extends', i.extends), ('fsyncs', i.fsyncs),
                                     ('evictions', i.evictions)) as c (operation, count)
          group by i.backend_type, c.operation having sum(c.count) is not null) as o
    $sql$ into processes, counters, reset_at;
  growth := _wedding_dbopt.interval_difference('io', reset_at, counters);
  return jsonb_build_object('io', (
    select jsonb_object_agg(g.name, g.growth) from unnest(processes, growth) as g (name, growth) where g.growth > 0));
end $$;
comment on function _wedding_dbopt.probe_io(timestamptz) is
  'Reads, writes, extensions, evictions and fsyncs by kind of process since the last pass, where the server counts them (PostgreSQL 16 and later).';
