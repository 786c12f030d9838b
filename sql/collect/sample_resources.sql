-- The names of its columns differ between versions: planning is counted apart from 2.2 on.
create or replace function _wedding_dbopt.sample_resources(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  home constant regnamespace := _wedding_dbopt.extension_schema('pg_stat_kcache');
  has  text[];
begin
  select p.proargnames into has from pg_proc p where p.oid = to_regprocedure(format('%s.pg_stat_kcache()', home));
  insert into _wedding_dbopt.resource_sample (at, previous_at, ids, cpu_us, read_bytes, written_bytes)
  select sample_resources.at, min(g.previous_at), array_agg(s.id order by s.id), array_agg(g.counters[1] order by s.id),
    array_agg(g.counters[2] order by s.id), array_agg(g.counters[3] order by s.id)
  from _wedding_dbopt.keyed_growth('resources', sample_resources.at, format(
    $sql$select concat_ws(' ', k.queryid, k.dbid, k.userid, %s),
                array[(1000000 * (%s))::bigint, coalesce(%s, 0), coalesce(%s, 0)]
         from %s.pg_stat_kcache() k where k.queryid is not null$sql$,
    case when 'top' = any (has) then 'k.top' else 'true' end,
    case when 'exec_user_time' = any (has) then 'k.plan_user_time + k.plan_system_time + k.exec_user_time + k.exec_system_time'
         else 'k.user_time + k.system_time' end,
    case when 'exec_reads' = any (has) then 'k.plan_reads + k.exec_reads' else 'k.reads' end,
    case when 'exec_writes' = any (has) then 'k.plan_writes + k.exec_writes' else 'k.writes' end,
    home)) as g
  join _wedding_dbopt.statement s on concat_ws(' ', s.queryid, s.dbid, s.userid, s.toplevel) = g.key
  having count(*) > 0;
end $$;
comment on function _wedding_dbopt.sample_resources(timestamptz) is
  'Stores CPU time and real disk traffic by statement since the last pass, from pg_stat_kcache.';
