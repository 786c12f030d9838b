create or replace function wedding_dbopt.get_collection_stats(
  time_window interval default '24 hours', at timestamptz default now())
returns table(source text, runs bigint, failures bigint, avg_duration numeric, max_duration numeric, share_percent numeric,
              last_run timestamptz, last_failure timestamptz, last_reason text,
              missed_passes bigint, gaps bigint, longest_gap interval)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  since constant timestamptz := _wedding_dbopt.window_start(get_collection_stats.at, get_collection_stats.time_window);
begin
  perform _wedding_dbopt.require(get_collection_stats.time_window > interval '0', 'time_window must be positive', 'For example ''24 hours''.');
  return query
  with logged as (
    select log.source, count(*) filter (where log.reason is null) as runs, count(log.reason) as failures,
           round(avg(log.duration_ms) filter (where log.reason is null), 3) as mean, round(max(log.duration_ms), 3) as longest,
           sum(log.duration_ms) as total, max(log.at) filter (where log.reason is null) as last_run,
           max(log.at) filter (where log.reason is not null) as last_failure,
           (array_agg(log.reason order by log.at desc) filter (where log.reason is not null))[1] as last_reason
    from _wedding_dbopt.collect_log as log
    where log.at > since and log.at <= get_collection_stats.at
    group by log.source
  ), gap as (
    select coalesce(sum(missed.missed), 0) as passes, count(*) as gaps, max(missed.gap) as longest
    from _wedding_dbopt.gaps(since, get_collection_stats.at) as missed
  )
  select logged.source, logged.runs, logged.failures, logged.mean, logged.longest,
         round(100 * logged.total / nullif(own.collector_ms + own.statements_ms, 0), 4),
         logged.last_run, logged.last_failure, logged.last_reason,
         case when logged.source = 'pass' then gap.passes end, case when logged.source = 'pass' then gap.gaps end,
         case when logged.source = 'pass' then gap.longest end
  from logged cross join gap
  cross join _wedding_dbopt.own_cost(since, get_collection_stats.at) as own
  order by logged.source = 'pass' desc, logged.total desc nulls last, logged.source;
end $$;
comment on function wedding_dbopt.get_collection_stats(interval, timestamptz) is
  'What collection did and cost in the window, by source: runs, failures with the last reason, durations in milliseconds, and its share of the time that all statements took, in percent. pass is the sum of what a minute''s pass samples, and its row tells the gaps of more than two minutes and the passes missed in them; sessions are the samples inside the minutes.';
