-- Before: the history up to the moment the run's first action began. After: whole intervals since its last one was
-- applied. So actions that one run applied within an hour are judged over the same two windows and a build's own load is in neither.
create or replace function _wedding_dbopt.verification_samples(action_id bigint, at timestamptz)
returns table (
  statement_id integer, role text, before_calls bigint, before_ms float8, before_sd_ms float8, before_blocks float8,
  after_calls bigint, after_ms float8, after_sd_ms float8, after_blocks float8, weight float8, objective_ms float8
)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with subject as (
    select a.*, quote_ident(a.schema_name) || '.' || quote_ident(a.table_name) as table_key,
           array(select (b ->> 'statement_id')::integer
                 from _wedding_dbopt.recommendation r, jsonb_array_elements(r.benefits) b
                 where r.id = a.recommendation_id) as affected
    from _wedding_dbopt.action a where a.id = verification_samples.action_id
  ), siblings as (
    select min(a.started_at) as first_started, max(a.applied_at) as last_applied,
           array_agg(distinct quote_ident(a.schema_name) || '.' || quote_ident(a.table_name)) as touched
    from _wedding_dbopt.action a, subject s
    where a.applied_at is not null
      and (a.id = s.id or a.run_id = s.run_id
           and a.started_at between s.started_at - interval '1 hour' and s.started_at + interval '1 hour')
  ), sides as (
    select false as after, w.*
    from siblings b
    cross join lateral (  -- where only whole hours are left, the hour of the change is left out
      select case when min(s.at) <= b.first_started then b.first_started else date_trunc('hour', b.first_started) end as until
      from _wedding_dbopt.statement_sample s) e
    cross join lateral _wedding_dbopt.statement_sum(
      e.until - _wedding_dbopt.setting_value('workload_window')::interval, e.until) w
    union all
    select true, w.*
    from siblings b
    cross join lateral (  -- the interval, or where only hours are left the hour, in which the build ended is on neither side
      select case when min(s.at) < b.last_applied then min(s.at) filter (where s.at >= b.last_applied)
                  else date_trunc('hour', b.last_applied) + interval '1 hour' end as first_pass
      from _wedding_dbopt.statement_sample s) p
    cross join lateral _wedding_dbopt.statement_sum(p.first_pass, verification_samples.at) w
  ), summed as (
    select x.statement_id, x.after, x.calls, x.exec_ms as ms, x.exec_sq as sq, (x.hit + x.read)::float8 as blocks
    from sides x where x.calls > 0
  ), paired as (
    select coalesce(b.statement_id, a.statement_id) as statement_id,
           b.calls as b_calls, b.ms / b.calls as b_ms, b.blocks / b.calls as b_blocks,
           sqrt(greatest(b.sq / b.calls - (b.ms / b.calls) ^ 2, 0)) as b_sd,
           a.calls as a_calls, a.ms / a.calls as a_ms, a.blocks / a.calls as a_blocks,
           sqrt(greatest(a.sq / a.calls - (a.ms / a.calls) ^ 2, 0)) as a_sd
    from (select * from summed where not after) b
    full join (select * from summed where after) a using (statement_id)
  )
  select p.statement_id,
         case when p.statement_id = any (s.affected) then 'affected'
              when st.kind in ('insert', 'update', 'delete', 'merge') and s.table_key = any (st.tables) then 'written'
              else 'control' end,
         coalesce(p.b_calls, 0), coalesce(p.b_ms, 0), coalesce(p.b_sd, 0), coalesce(p.b_blocks, 0),
         coalesce(p.a_calls, 0), coalesce(p.a_ms, 0), coalesce(p.a_sd, 0), coalesce(p.a_blocks, 0),
         coalesce(w.weight, 1)::float8, o.latency_ms::float8
  from paired p
  cross join subject s
  cross join siblings b
  join _wedding_dbopt.statement st on st.id = p.statement_id
    and st.dbid = (select oid from pg_database where datname = current_database()) and not st.own
  left join _wedding_dbopt.criticality_weight w on w.criticality = st.criticality
  left join _wedding_dbopt.objective o on o.context = st.context
  where p.statement_id = any (s.affected)
     or s.table_key = any (st.tables) and st.kind in ('insert', 'update', 'delete', 'merge')
     or not b.touched && coalesce(st.tables, '{}')
$$;
comment on function _wedding_dbopt.verification_samples(bigint, timestamptz) is
  'What an applied action is judged on: calls, milliseconds and blocks per call, before and after, of the statements it should help (affected), of the writes it may slow (written) and of untouched ones (control).';
