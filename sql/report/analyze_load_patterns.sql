create or replace function wedding_dbopt.analyze_load_patterns(time_window interval default '24 hours', at timestamptz default now())
returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  season constant jsonb := wedding_dbopt.get_season(analyze_load_patterns.at);
  zone constant text := season ->> 'time_zone';
  result jsonb;
begin
  perform _wedding_dbopt.require(analyze_load_patterns.time_window >= interval '1 hour',
    'time_window must be an hour or more', 'For example ''24 hours'' or ''14 days''.');
  with day_hour as materialized (
    select * from _wedding_dbopt.peak_hours(
      analyze_load_patterns.at - least(analyze_load_patterns.time_window, interval '28 days'), analyze_load_patterns.at, zone)
  ), typical as (
    select count(*) as hours_of_day, coalesce(sum(day_hour.days), 0) as hours from day_hour
  ), peak as (
    select coalesce(jsonb_agg(day_hour.hour_of_day order by day_hour.hour_of_day), '[]') as hours,
           coalesce(jsonb_agg(jsonb_build_object('hour', day_hour.hour_of_day, 'factor', round(day_hour.factor::numeric, 2),
             'share_of_days', round(day_hour.share_of_days::numeric, 2), 'days', day_hour.days) order by day_hour.hour_of_day), '[]') as detail
    from day_hour where day_hour.is_peak
  ), load as (
    select contexts.context, contexts.place, recent.calls_per_minute as rate, recent.passes, expected.history_days,
           coalesce(expected.calls_per_minute, recent.usual_per_minute) as usual, surge.factor as surge_factor, surge.began_at,
           recent.calls_per_minute is not null and (expected.calls_per_minute is not null or recent.passes >= 10) as known
    from _wedding_dbopt.contexts()
    left join _wedding_dbopt.context_load(analyze_load_patterns.at) as recent on recent.context = contexts.context
    cross join lateral _wedding_dbopt.expected_pass(
      contexts.context, analyze_load_patterns.at - interval '2 minutes', analyze_load_patterns.at) as expected
    left join _wedding_dbopt.surges_on(analyze_load_patterns.at) as surge on surge.context = contexts.context
  ), graded as (
    select load.*, coalesce(load.known, false) and load.began_at is not null as surge,
           case when load.known is not true then 'normal'
                when load.began_at is not null and load.rate >= 4 * load.usual then 'critical'
                when load.rate >= 2 * load.usual and load.rate >= load.usual + 5 then 'high'
                when load.rate <= 0.5 * load.usual and load.rate <= load.usual - 5 then 'low'
                else 'normal' end as grade
    from load
  ), machine as (
    select round(avg(sample.cpu_percent), 1) as cpu
    from _wedding_dbopt.system_sample as sample
    where sample.at > analyze_load_patterns.at - interval '5 minutes' and sample.at <= analyze_load_patterns.at
  ), used as (
    select stats.*, machine.cpu, capacity.busy + coalesce(capacity.held, 0) as busy
    from wedding_dbopt.get_connection_stats(analyze_load_patterns.at) as stats, machine,
         _wedding_dbopt.capacity_use(
           analyze_load_patterns.at - least(analyze_load_patterns.time_window, interval '24 hours'), analyze_load_patterns.at) as capacity
  )
  select jsonb_build_object(
    'peak_hours', peak.hours,
    'peak_hours_identified', peak.hours,
    'peak_hours_detail', peak.detail,
    'booking_surge', booking.surge,
    'booking_surge_detected', booking.surge,
    'vendor_search_load', vendor_search.grade,
    'payment_load', payment.grade,
    'payment_processing_load', payment.grade,
    'is_wedding_season', season -> 'is_wedding_season',
    'season_multiplier', season -> 'season_multiplier',
    'capacity_utilization', greatest(used.connection_utilization, used.cpu),
    'connection_utilization', used.connection_utilization,
    'cpu_utilization', used.cpu,
    'scale_recommendation', _wedding_dbopt.scale_recommendation(
       used.total, used.usable, used.wedding_season_capacity, coalesce(used.busy, used.active), used.cpu),
    'context_load', (
      select jsonb_object_agg(graded.context, jsonb_build_object(
               'load', graded.grade, 'surge', graded.surge, 'surge_since', graded.began_at,
               'surge_factor', round(graded.surge_factor::numeric, 2), 'calls_per_minute', round(graded.rate::numeric, 2),
               'usual_per_minute', round(graded.usual::numeric, 2),
               'ratio', round((graded.rate / nullif(graded.usual, 0))::numeric, 2)))
      from graded),
    'load_profile', (
      select coalesce(jsonb_agg(jsonb_build_object('hour', day_hour.hour_of_day,
               'calls_per_hour', round(day_hour.calls_per_hour::numeric, 1), 'hours_of_data', day_hour.days)
               order by day_hour.hour_of_day), '[]')
      from day_hour),
    'basis', jsonb_build_object(
      'time_zone', zone, 'time_window', analyze_load_patterns.time_window, 'hours_of_data', typical.hours,
      'hours_of_day_known', typical.hours_of_day, 'recent_passes', coalesce(booking.passes, 0),
      'season_multiplier', season -> 'multiplier_basis',
      'usual', case when booking.history_days >= 14 then 'profile' when booking.history_days is not null then 'short history' else 'recent' end,
      'confidence', case when typical.hours >= 7 * 24 then 'high' when typical.hours >= 3 * 24 then 'medium'
                         when typical.hours >= 20 then 'low' else 'none' end),
    'notes', to_jsonb(array_remove(array[
      case when typical.hours < 20 then format('The daily profile rests on %s hours only.', typical.hours) end,
      case when booking.known is not true
           then 'No collection pass in the last two minutes, or fewer than ten in the six hours before: loads are given as normal, a surge cannot be seen.'
           when booking.history_days is null
           then 'The load of this hour is not known yet (that takes a day of history): usual is the last six hours, and only five times the last hour counts as a surge.'
           when booking.history_days < 14
           then 'Fewer than 14 days of history: weekdays are not known well, and only four times the usual counts as a surge.' end,
      case when used.cpu is null then 'CPU utilisation was not sampled in the last five minutes: capacity counts connections only.' end,
      case when used.total is null then 'Connections of other roles are hidden and were not sampled in the last 15 minutes.' end
      ], null)))
  into result
  from typical, peak, used,
       (select * from graded where graded.context = 'booking') as booking,
       (select * from graded where graded.context = 'vendor_search') as vendor_search,
       (select * from graded where graded.context = 'payment') as payment;
  return result;
end $$;
comment on function wedding_dbopt.analyze_load_patterns(interval, timestamptz) is
  'Load now against its own past. peak_hours: local hours of the day a quarter above the middle hour and highest within two hours, by the medians of the window (28 days at most); peak_hours_detail says on which share of the days. Usual = what the learned profile, season and growth expect of this minute, or before a day of history the median of the last six hours. booking_surge: a surge of bookings is on (see surge_step). Loads: critical in a surge from 4 times usual, high from 2 times, low up to half (and 5 calls per minute apart). capacity_utilization: the higher of connection and CPU use, percent.';
