-- What a role or this database says for its own sessions is told apart from what the server says, whoever asks.
create or replace function _wedding_dbopt.parameter_values()
returns table (name text, value text, unit text, context text, source text, auto_value text, database_value text, role_values jsonb, pending_restart boolean)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with file as materialized (
    select distinct on (f.name) f.name, f.setting, f.sourcefile from pg_file_settings f where f.error is null order by f.name, f.seqno desc
  ), auto as materialized (
    select distinct on (f.name) f.name, f.setting from pg_file_settings f
    where f.sourcefile like '%/postgresql.auto.conf' and f.error is null order by f.name, f.seqno desc
  ), own as materialized (
    select s.setdatabase <> 0 as here, s.setrole, split_part(entry, '=', 1) as name, substr(entry, strpos(entry, '=') + 1) as value
    from pg_db_role_setting s cross join unnest(s.setconfig) as entry
    where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
  )
  select s.name, known.value, case when known.value ~ '^-?[\d.]+$' then s.unit end, s.context, known.source, auto.setting,
         (select o.value from own o where o.name = s.name and o.setrole = 0 and o.here),
         (select coalesce(jsonb_object_agg(r.name, r.value), '{}')
          from (select distinct on (g.rolname) g.rolname as name, o.value
                from own o join pg_roles g on g.oid = o.setrole where o.name = s.name order by g.rolname, o.here desc) r),
         s.pending_restart
  from pg_settings s
  left join file on file.name = s.name
  left join auto on auto.name = s.name
  cross join lateral (
    select case when s.source in ('database', 'user', 'database user', 'client', 'session') then coalesce(file.setting, s.boot_val) else coalesce(s.reset_val, s.setting) end as value,
           case when s.source in ('database', 'user', 'database user', 'client', 'session')
                then case when file.setting is null then 'default' else 'configuration file' end else s.source end as source) as known
$$;
comment on function _wedding_dbopt.parameter_values() is
  'Each parameter as the server has it, what postgresql.auto.conf, this database and roles say of it, and whether it waits for a restart. A value without a unit is in the unit of pg_settings.';
