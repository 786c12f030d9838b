create or replace function _wedding_dbopt.spilling_statements(since timestamptz, until timestamptz)
returns table (statement_id integer, context text, criticality text, role text, superuser boolean, calls bigint, exec_ms float8, temp_blocks bigint,
               own_value text, query text, search_path text)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with used as (
    select d.statement_id, sum(d.calls)::bigint as calls, sum(d.exec_ms) as exec_ms, sum(d.temp_written)::bigint as temp_blocks
    from _wedding_dbopt.statement_delta(spilling_statements.since, spilling_statements.until) d
    group by d.statement_id having sum(d.temp_written) > 0
  )
  select s.id, coalesce(s.context, 'other'), coalesce(s.criticality, 'medium'), r.rolname::text, r.rolsuper, used.calls, used.exec_ms, used.temp_blocks,
         -- The entry for this database alone: that is the one that is set.
         (select substr(entry, length('work_mem=') + 1) from pg_db_role_setting o cross join unnest(o.setconfig) as entry
          where o.setrole = r.oid and o.setdatabase = s.dbid and entry like 'work\_mem=%'),
         t.query, _wedding_dbopt.role_search_path(r.oid)
  from used
  join _wedding_dbopt.statement s on s.id = used.statement_id and not s.own and s.dbid = (select d.oid from pg_database d where d.datname = current_database())
  join pg_roles r on r.oid = s.userid
  left join _wedding_dbopt.statement_text t on t.statement_id = s.id
  where s.kind in ('select', 'insert', 'update', 'delete', 'merge')
  order by used.temp_blocks desc, s.id limit 200
$$;
comment on function _wedding_dbopt.spilling_statements(timestamptz, timestamptz) is
  'Statements that wrote temporary files in a window, most first: who runs them, how often, blocks of 8 kB written, and the work_mem that the role has for itself in this database.';
