create or replace function _wedding_dbopt.obstacle(action_id bigint) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with subject as (
    select a.* from _wedding_dbopt.action a where a.id = obstacle.action_id
  ), today as (
    select count(*) as actions, coalesce(sum(a.worked_ms), 0) / 1000 as worked_s, coalesce(sum(a.measured_wal), 0) as wal,
           coalesce(sum(greatest(coalesce(a.measured_bytes, a.estimated_bytes), 0)) filter (where a.state in ('verifying', 'kept')), 0) as disk
    from _wedding_dbopt.action a
    where a.started_at > clock_timestamp() - interval '24 hours' and a.id <> obstacle.action_id
  ), size as (
    select greatest(pg_database_size(current_database()), 2 * 1024 ^ 3) as bytes
  )
  select coalesce(
    _wedding_dbopt.unjudged_neighbour(s.id),
    case when today.actions >= _wedding_dbopt.setting_value('daily_actions')::integer
         then format('%s actions were begun within 24 hours, daily_actions allows no more', today.actions) end,
    case when today.worked_s >= extract(epoch from _wedding_dbopt.setting_value('daily_work_time')::interval)
         then format('actions worked for %s s within 24 hours, daily_work_time allows no more', round(today.worked_s)) end,
    case when today.wal + greatest(s.estimated_bytes, 0) > _wedding_dbopt.setting_value('daily_wal')::float8 * size.bytes
         then format('actions wrote %s of WAL within 24 hours, daily_wal allows no more', pg_size_pretty(today.wal)) end,
    case when today.disk + greatest(s.estimated_bytes, 0) > _wedding_dbopt.setting_value('daily_disk')::float8 * size.bytes
              and s.estimated_bytes > 0
         then format('actions took %s of disk within 24 hours, daily_disk allows no more', pg_size_pretty(today.disk)) end)
  from subject s cross join today cross join size
$$;
comment on function _wedding_dbopt.obstacle(bigint) is
  'Why an approved action should not begin, besides the hour and the load (work_decision): an unjudged neighbour, or a used-up budget of the day; null when nothing is in its way.';
