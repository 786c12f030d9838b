-- Plannings are counted only while pg_stat_statements.track_planning is on; without it nothing is known.
create or replace function _wedding_dbopt.kept_plans()
returns table (statement_id integer, role text, superuser boolean, calls bigint, plans bigint, mean_ms float8, deviation_ms float8, planning_ms float8, own_value text)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  home constant regnamespace := (select extnamespace from pg_extension where extname = 'pg_stat_statements');
begin
  if home is null or coalesce(current_setting('pg_stat_statements.track_planning', true), 'off') <> 'on' then
    return;
  end if;
  return query execute format(
    $query$select s.id, r.rolname::text, r.rolsuper, p.calls, p.plans, p.mean_exec_time, p.stddev_exec_time, p.mean_plan_time,
             (select substr(entry, length('plan_cache_mode=') + 1) from pg_db_role_setting o cross join unnest(o.setconfig) as entry
              where o.setrole = r.oid and o.setdatabase = s.dbid and entry like 'plan\_cache\_mode=%%')
           from %s.pg_stat_statements(false) p
           join _wedding_dbopt.statement s on (s.queryid, s.dbid, s.userid, s.toplevel) = (p.queryid, p.dbid, p.userid, p.toplevel) and not s.own
           join pg_roles r on r.oid = s.userid
           where p.dbid = (select d.oid from pg_database d where d.datname = current_database())
             and p.calls >= 50 and p.plans > 0 and p.plans < 0.2 * p.calls and s.kind = 'select'
           order by p.total_exec_time desc limit 50$query$, home);
end $$;
comment on function _wedding_dbopt.kept_plans() is
  'Statements that were called far more often than planned: a generic plan is kept for them.';
