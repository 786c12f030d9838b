-- An hour h stands for the passes in (h, h + 1 hour]. Whole hours come from the roll-up, what it lacks from the passes.
-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.context_hours(since timestamptz, until timestamptz)
returns table(hour timestamptz, context text, calls bigint, exec_ms float8, exec_sq float8, hit bigint, read bigint,
              above float8, above_low bigint, above_high bigint)
language sql stable parallel safe security invoker
begin atomic
  with passes as (
    select date_bin(interval '1 hour', load.at - interval '1 microsecond', '2001-01-01Z') as hour,  -- a fifth of what date_trunc() costs
           load.context, load.calls, load.exec_ms, load.exec_sq, load.hit, load.read, load.above, load.above_low, load.above_high
    from _wedding_dbopt.context_sample as load
    where load.at > context_hours.since and load.at <= context_hours.until
  )
  select stored.hour, stored.context, stored.calls, stored.exec_ms, stored.exec_sq, stored.hit, stored.read, stored.above,
         stored.above_low, stored.above_high
  from _wedding_dbopt.context_hour as stored
  where stored.hour >= context_hours.since and stored.hour + interval '1 hour' <= context_hours.until
  union all
  select passes.hour, passes.context, sum(passes.calls)::bigint, sum(passes.exec_ms), sum(passes.exec_sq),
         sum(passes.hit)::bigint, sum(passes.read)::bigint, sum(passes.above), sum(passes.above_low)::bigint, sum(passes.above_high)::bigint
  from passes
  where passes.hour < context_hours.since or passes.hour + interval '1 hour' > context_hours.until
     or passes.hour not in (select rolled.hour from _wedding_dbopt.rolled_hour as rolled)
  group by passes.hour, passes.context;
end;
comment on function _wedding_dbopt.context_hours(timestamptz, timestamptz) is
  'What each business context did per hour, from the hourly roll-ups and, where these lack an hour, from the passes.';
