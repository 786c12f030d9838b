-- What acts on a table leaves the statements alone that touch none of the run's tables: they are the control group. What acts on
-- a role or a function leaves other roles' or all other statements alone. What acts on a database or the server leaves nobody alone,
-- so there is no control.
-- An action that nobody said to serve a statement is judged on all that touch its table, or on the heaviest of all.
create or replace function _wedding_dbopt.verification_subjects(action_id bigint, at timestamptz)
returns table (statement_id integer, role text, weight float8, objective_ms float8, critical boolean)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with subject as (
    select a.id, quote_ident(a.schema_name) || '.' || quote_ident(a.table_name) as table_key,
           case when a.object_kind = 'role' then (select r.oid from pg_roles r where r.rolname = a.object_name) end as for_role,
           a.object_kind = 'function' as for_function,
           array(select (b ->> 'statement_id')::integer
                 from _wedding_dbopt.recommendation r, jsonb_array_elements(r.benefits) b
                 where r.id = a.recommendation_id and b ->> 'statement_id' ~ '^\d+$') as served
    from _wedding_dbopt.action a where a.id = verification_subjects.action_id
  ), load as materialized (
    -- The last hour before the change, and what is left of history where there is no such hour.
    select w.statement_id, w.exec_ms
    from _wedding_dbopt.verification_window(verification_subjects.action_id, verification_subjects.at) v
    cross join lateral _wedding_dbopt.statement_time(
      case when v.by_hours then v.before_since else greatest(v.before_since, v.first_started - interval '2 hours') end, v.first_started) w
    where w.calls > 0
  ), known as (
    select st.id, st.kind, coalesce(st.tables, '{}') as tables, st.userid, st.context, st.criticality, load.exec_ms,
           row_number() over (order by load.exec_ms desc nulls last, st.id) as place
    from _wedding_dbopt.statement st left join load on load.statement_id = st.id
    where st.dbid = (select oid from pg_database where datname = current_database()) and not st.own
  ), judged as (
    select k.*, s.served, s.table_key, v.touched,
           case when k.id = any (s.served) then 'affected'
                when s.table_key = any (k.tables) and k.kind in ('insert', 'update', 'delete', 'merge') then 'written'
                when s.served = '{}' and s.table_key = any (k.tables) then 'affected'
                when s.served = '{}' and s.table_key is null and s.for_role is null and k.place <= 50 then 'affected'
                when s.served = '{}' and s.for_role = k.userid then 'affected'
                when s.table_key is not null and not v.touched && k.tables then 'control'
                when s.table_key is null and (s.for_role <> k.userid or s.for_function) then 'control' end as role
    from known k cross join subject s
    cross join _wedding_dbopt.verification_window(verification_subjects.action_id, verification_subjects.at) v
  ), ranked as (
    select j.*, row_number() over (partition by j.role order by j.exec_ms desc nulls last, j.id) as rank from judged j where j.role is not null
  )
  select r.id, r.role, coalesce(w.weight, 1)::float8, o.latency_ms::float8, coalesce(r.criticality = 'critical', false)
  from ranked r
  left join _wedding_dbopt.criticality_weight w on w.criticality = r.criticality
  left join _wedding_dbopt.objective o on o.context = r.context
  where r.exec_ms is not null and r.rank <= 40 or r.id = any (r.served)
$$;
comment on function _wedding_dbopt.verification_subjects(bigint, timestamptz) is
  'Whom an action touches: statements it should help (affected), writes it may slow (written), and the heaviest of those it cannot touch (control), at most forty of each.';
