-- All actions that one run applied within an hour are judged over the same two windows, so that a build's own load is in
-- neither: before ends when the first of them began, after begins with the first whole interval since the last was applied. Before begins
-- behind the last change of ours on the same tables, because what was measured before that says nothing of this one.
create or replace function _wedding_dbopt.verification_window(
  action_id bigint, at timestamptz,
  out first_started timestamptz, out last_applied timestamptz, out before_since timestamptz, out known_since timestamptz,
  out touched text[], out by_hours boolean, out width interval)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with subject as (
    select * from _wedding_dbopt.action a where a.id = verification_window.action_id
  ), sibling as (
    select a.*, quote_ident(a.schema_name) || '.' || quote_ident(a.table_name) as table_key
    from _wedding_dbopt.action a, subject s
    where a.applied_at is not null
      and (a.id = s.id or a.run_id = s.run_id
           and a.started_at between s.started_at - interval '1 hour' and s.started_at + interval '1 hour')
  ), deed as (
    select min(d.started_at) as first_started, max(d.applied_at) as last_applied,
           array_agg(distinct d.table_key) filter (where d.table_key is not null) as touched, array_agg(d.id) as ids
    from sibling d
  ), earlier as (
    select max(case when o.state = 'rolled_back' then coalesce(o.finished_at, o.applied_at) else o.applied_at end) as last_change
    from deed, _wedding_dbopt.action o
    where o.applied_at is not null and o.id <> all (deed.ids)
      and quote_ident(o.schema_name) || '.' || quote_ident(o.table_name) = any (deed.touched)
      and coalesce(case when o.state = 'rolled_back' then o.finished_at end, o.applied_at) < deed.first_started
  ), age as (
    select deed.*, verification_window.at - deed.last_applied as age, earlier.last_change,
           (select min(s.at) from _wedding_dbopt.statement_sample s) as raw_since
    from deed, earlier
  )
  select age.first_started, age.last_applied,
         greatest(age.first_started - case when age.age > interval '12 hours' then greatest(_wedding_dbopt.setting_value('workload_window')::interval, age.age)
                    else least(greatest(3 * age.age, interval '2 hours'), _wedding_dbopt.setting_value('workload_window')::interval) end, age.last_change),
         greatest(age.first_started - interval '7 days', age.last_change),
         coalesce(age.touched, '{}'),
         age.age > interval '12 hours' or coalesce(age.raw_since > age.first_started, true),
         case when age.age > interval '3 hours' then interval '15 minutes' when age.age > interval '30 minutes' then interval '5 minutes' end
  from age
$$;
comment on function _wedding_dbopt.verification_window(bigint, timestamptz) is
  'What is compared to judge an applied action: before ends at first_started, after begins at last_applied; in slices of passes (width null), of a width, or of hours (by_hours), the longer the more time has passed.';
