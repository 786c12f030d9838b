create or replace function _wedding_dbopt.wedding_insights(
  season_mode boolean, season jsonb, load jsonb, trends jsonb, time_range text, time_window interval, at timestamptz) returns text[]
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with scale as (
    select load -> 'scale_recommendation' as plan
  ), line(place, words) as (
    select 10, format('%s: %s ms on average over %s calls, objective %s ms: %s.', replace(goal.context, '_', ' '),
             round(goal.average_ms, 2), goal.calls, goal.objective_ms,
             case when goal.met then format('met with %s %% to spare', round(100 * (1 - goal.average_ms / goal.objective_ms)))
                  else format('missed by %s %%', round(100 * (goal.average_ms / goal.objective_ms - 1))) end)
    from wedding_dbopt.get_objectives(wedding_insights.time_window, wedding_insights.at) as goal
    where goal.calls > 0
    union all
    select 20, format('%s is %s %% %s than in the %s before (%s ms, was %s ms).', replace(known.context, '_', ' '),
             abs((figure.value ->> 'mean_ms_change_percent')::numeric),
             case when (figure.value ->> 'mean_ms_change_percent')::numeric > 0 then 'slower' else 'faster' end,
             time_range, round((figure.value ->> 'mean_ms')::numeric, 2), round((figure.value ->> 'mean_ms_before')::numeric, 2))
    from _wedding_dbopt.contexts() as known
    cross join lateral (select trends -> 'previous_window' -> known.context) as figure(value)
    where abs((figure.value ->> 'mean_ms_change_percent')::numeric) >= 10
      and (figure.value ->> 'calls_before')::bigint >= 0.1 * (figure.value ->> 'calls')::bigint  -- too few calls prove nothing
    union all
    select 30, format('Booking surge: %s bookings calls per minute against %s usual.',
             load #>> '{context_load,booking,calls_per_minute}', load #>> '{context_load,booking,usual_per_minute}')
    where (load ->> 'booking_surge')::boolean
    union all
    select 40, format('Busiest hours of the day (%s): %s; data behind it: %s hours.', load #>> '{basis,time_zone}',
             (select string_agg(hour, ', ') from jsonb_array_elements_text(load -> 'peak_hours') as hour),
             load #>> '{basis,hours_of_data}')
    where not season_mode and load -> 'peak_hours' <> '[]'
    union all
    select 50, format('Capacity in use: %s %%.', load ->> 'capacity_utilization')
    where not season_mode and load ->> 'capacity_utilization' is not null
    union all
    select 60, format('%s; load multiplier %s (%s).',
             case when (season ->> 'is_wedding_season')::boolean then 'The wedding season is on' else 'The wedding season is not on' end,
             season ->> 'season_multiplier', season ->> 'multiplier_basis')
    where season_mode
    union all
    select 70, format('At the season''s load (%s times today''s) %s connections are needed, %s are usable: %s.',
             plan ->> 'season_factor', plan ->> 'connections_needed_at_season', plan ->> 'connections_usable',
             case when (plan ->> 'connections_missing_at_season')::integer > 0
                  then (plan ->> 'connections_missing_at_season') || ' are missing' else 'enough' end)
    from scale where season_mode and plan ->> 'connections_needed_at_season' is not null
    union all
    select 80, format('In a proposal surge (10 times) %s connections are needed: %s.', plan ->> 'connections_needed_at_10x',
             case when (plan ->> 'connections_missing_at_10x')::integer > 0
                  then format('%s are missing, a pool of %s server connections carries it',
                         plan ->> 'connections_missing_at_10x', plan ->> 'pool_size_at_10x')
                  else 'enough' end)
    from scale where season_mode and plan ->> 'connections_needed_at_10x' is not null
    union all
    select 90, format('The CPU would be at %s %% at the season''s load.', plan ->> 'cpu_percent_at_season')
    from scale where season_mode and plan ->> 'cpu_percent_at_season' is not null
  )
  select coalesce(array_agg(upper(left(line.words, 1)) || substr(line.words, 2) order by line.place, line.words), '{}') from line
$$;
comment on function _wedding_dbopt.wedding_insights(boolean, jsonb, jsonb, jsonb, text, interval, timestamptz) is
  'What the figures mean, in plain sentences with numbers; in season mode what the season''s load would need.';
