create or replace function wedding_dbopt.get_work_window(at timestamptz default now()) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with place as materialized (
    select _wedding_dbopt.setting_value('time_zone') as zone
  ), obstacle as materialized (
    select * from _wedding_dbopt.work_obstacles(_wedding_dbopt.window_start(get_work_window.at))
  ), missed as materialized (
    select * from _wedding_dbopt.missed_contexts(_wedding_dbopt.window_start(get_work_window.at))
  ), class as materialized (
    select * from _wedding_dbopt.hour_classes()
  ), run as (  -- neighbouring quiet hours of a local day are one window
    select c.hour_of_week / 24 as day, c.hour_of_week % 24 as hour, c.hour_of_week - row_number() over (partition by c.hour_of_week / 24 order by c.hour_of_week) as island
    from class c where c.class = 'quiet'
  ), quiet as (
    select r.day + 1 as weekday, min(r.hour) as since, max(r.hour) + 1 as until from run r group by r.day, r.island
  )
  select jsonb_build_object(
    'at', get_work_window.at,
    'time_zone', p.zone,
    'heavy_work_allowed', not exists (select from obstacle),
    'reasons', (select coalesce(jsonb_agg(jsonb_build_object('kind', o.kind, 'reason', o.reason, 'until', o.until, 'yields_to_emergency', o.yields)), '[]') from obstacle o),
    'next_at', case when not exists (select from obstacle) then get_work_window.at else _wedding_dbopt.next_work_at(get_work_window.at, 0, false) end,
    'emergencies', (select coalesce(jsonb_agg(jsonb_build_object('context', m.context, 'reason', m.reason)), '[]') from missed m),
    'allowed_for', (select coalesce(jsonb_agg(m.context), '[]') from missed m where not exists (select from obstacle o where not o.yields)),
    'quiet_windows', (select coalesce(jsonb_agg(jsonb_build_object('weekday', q.weekday, 'from', to_char(make_time(q.since, 0, 0), 'HH24:MI'),
                        'until', lpad(q.until::text, 2, '0') || ':00') order by q.weekday, q.since), '[]') from quiet q),
    'quiet_windows_basis', case when exists (select from class) then 'the learned profile of the hours of the week' else 'two weeks of load are not known yet, so no hour is barred' end,
    'freezes', (select coalesce(jsonb_agg(jsonb_build_object('name', f.name, 'reason', f.reason, 'from', f.since, 'until', f.until) order by f.since), '[]')
                from _wedding_dbopt.freezes_between(get_work_window.at, get_work_window.at + interval '8 days') f))
  from place p
$$;
comment on function wedding_dbopt.get_work_window(timestamptz) is
  'May heavy work begin, and if not why and when next: surge, freeze, peak or busy hour, load of the last half hour, disk, long transaction. allowed_for names the contexts that miss their objective now: an action that mends one of them may begin in spite of what yields to an emergency. Also the quiet windows of the week (1 = Monday, local time) and the freezes of the coming eight days.';
