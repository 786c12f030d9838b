create or replace function _wedding_dbopt.wedding_insights(
  season_mode boolean, season jsonb, load jsonb, trends jsonb, time_range text) returns text[]
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with scale as (
    select load -> 'scale_recommendation' as plan
  ), told as (
    -- Only what is more than chance; in season mode against the same weeks of the last year.
    select replace(known.context, '_', ' ') as context, replace(compared.back, 'range', time_range) as back,
           (f.value ->> 'mean_ms_significant')::boolean as mean_sure, (f.value ->> 'mean_ms_change_percent')::numeric as mean_change,
           (f.value ->> 'mean_ms_margin_percent')::numeric as mean_margin, (f.value ->> 'mean_ms')::numeric as mean,
           (f.value ->> 'mean_ms_before')::numeric as mean_before,
           (f.value ->> 'calls_significant')::boolean as calls_sure, (f.value ->> 'calls_change_percent')::numeric as calls_change,
           (f.value ->> 'calls_margin_percent')::numeric as calls_margin, f.value ->> 'calls_per_hour' as rate,
           f.value ->> 'calls_per_hour_before' as rate_before,
           (f.value ->> 'cache_hit_significant')::boolean as hit_sure, (f.value ->> 'cache_hit_change_points')::numeric as hit_change,
           (f.value ->> 'cache_hit_percent')::numeric as hit
    from (values ('previous_window', 'in the range before', false), ('week_ago', 'a week ago', false), ('year_ago', 'a year ago', true)) as compared(name, back, for_season)
    cross join _wedding_dbopt.contexts() as known
    cross join lateral (select trends -> compared.name -> known.context) as f(value)
    where compared.for_season = season_mode and (compared.name = 'previous_window' or trends -> compared.name -> 'since' <> trends #> '{previous_window,since}')
  ), line(place, words) as (
    select 10, format('%s: %s ms on average over %s calls, objective %s ms: %s.', replace(goal.context, '_', ' '),
             round(goal.average_ms, 2), goal.calls, goal.objective_ms,
             case when goal.met then format('met with %s %% to spare', round(100 * (1 - goal.average_ms / goal.objective_ms)))
                  else format('missed by %s %%', round(100 * (goal.average_ms / goal.objective_ms - 1))) end)
             || case when goal.above > 0 then format(' About %s %% of its calls are slower.', goal.above) else '' end
    from (select objective.context, objective.latency_ms as objective_ms, (figure.value ->> 'mean_ms')::numeric as average_ms,
                 (figure.value ->> 'calls')::bigint as calls, round((figure.value ->> 'above_objective_percent')::numeric, 2) as above,
                 (figure.value ->> 'mean_ms')::numeric <= objective.latency_ms as met
          from _wedding_dbopt.objective
          cross join lateral (select trends -> 'previous_window' -> objective.context) as figure(value)) as goal
    where goal.calls > 0
    union all
    select 20, format('%s is %s %% (margin %s) %s than %s: %s ms, was %s ms.', told.context, abs(told.mean_change), told.mean_margin,
             case when told.mean_change > 0 then 'slower' else 'faster' end, told.back, round(told.mean, 2), round(told.mean_before, 2))
    from told where told.mean_sure and abs(told.mean_change) >= 5
    union all
    select 22, format('%s has %s %% (margin %s) %s calls than %s: %s per hour, were %s.', told.context, abs(told.calls_change), told.calls_margin,
             case when told.calls_change > 0 then 'more' else 'fewer' end, told.back, told.rate, told.rate_before)
    from told where told.calls_sure and abs(told.calls_change) >= 5
    union all
    select 24, format('%s finds %s %% of its blocks in the cache, %s points %s than %s.', told.context, told.hit, abs(told.hit_change),
             case when told.hit_change > 0 then 'more' else 'fewer' end, told.back)
    from told where told.hit_sure and abs(told.hit_change) >= 1
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
comment on function _wedding_dbopt.wedding_insights(boolean, jsonb, jsonb, jsonb, text) is
  'What the figures mean, in plain sentences with numbers: objectives, changes that are significant, load and capacity; in season mode the changes since a year ago and what the season''s load would need.';
