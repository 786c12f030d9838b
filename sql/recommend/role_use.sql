-- Sessions idle in a transaction are seen now, and in the alerts of the window, which name the role.
create or replace function _wedding_dbopt.role_use(since timestamptz, until timestamptz)
returns table (role text, superuser boolean, idle_in_transaction_s numeric, slowest_ms float8, slowest_id integer, own jsonb)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with worked as materialized (
    select s.userid, s.id, sum(w.exec_ms) / sum(w.calls) as mean
    from _wedding_dbopt.statement_time(role_use.since, role_use.until) w
    join _wedding_dbopt.statement s on s.id = w.statement_id and not s.own and s.dbid = (select d.oid from pg_database d where d.datname = current_database())
    group by s.userid, s.id having sum(w.calls) >= 20
  ), slowest as (
    select distinct on (w.userid) w.userid, w.id, w.mean from worked w order by w.userid, w.mean desc
  ), idle as (
    select a.usename::text as role, extract(epoch from clock_timestamp() - a.state_change) as seconds
    from pg_stat_activity a where a.state like 'idle in transaction%' and a.datname = current_database() and a.backend_type = 'client backend'
    union all
    select substring(alert.message from '^Session \d+ of (.+?) \('), alert.peak
    from _wedding_dbopt.alert where alert.kind = 'idle_in_transaction' and alert.updated_at > role_use.since and alert.opened_at <= role_use.until
  )
  select r.rolname::text, r.rolsuper, (select max(i.seconds) from idle i where i.role = r.rolname), slowest.mean, slowest.id,
         (select coalesce(jsonb_object_agg(split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)), '{}')
          from pg_db_role_setting o cross join unnest(o.setconfig) as entry
          where o.setrole = r.oid and o.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database())))
  from pg_roles r left join slowest on slowest.userid = r.oid
  where r.rolcanlogin and (slowest.userid is not null or r.rolname in (select i.role from idle i))
$$;
comment on function _wedding_dbopt.role_use(timestamptz, timestamptz) is
  'Each role that worked in a window or idles now: how long a session of it was seen idle inside a transaction, the mean of its slowest statement, and the settings it has of its own.';
