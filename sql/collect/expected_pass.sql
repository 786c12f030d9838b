-- The hours hold means, so between the middles of two hours the expected load is taken as a straight line.
-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.expected_pass(context text, previous_at timestamptz, at timestamptz)
returns table (calls_per_minute float8, fitted_at timestamptz, history_days integer)
language sql stable parallel safe security invoker
begin atomic
  select coalesce(e.calls_per_minute + (n.calls_per_minute - e.calls_per_minute) * m.share, e.calls_per_minute, n.calls_per_minute),
         coalesce(e.fitted_at, n.fitted_at), coalesce(e.history_days, n.history_days)
  from (select c.middle, date_trunc('hour', c.middle, 'UTC') as hour,
               extract(epoch from c.middle - date_trunc('hour', c.middle, 'UTC'))::float8 / 3600 as share
        from (select expected_pass.previous_at + (expected_pass.at - expected_pass.previous_at) / 2 - interval '30 minutes') as c(middle)) as m
  left join _wedding_dbopt.expected_hour as e on e.context = expected_pass.context and e.hour = m.hour
  left join _wedding_dbopt.expected_hour as n on n.context = expected_pass.context and n.hour = m.hour + interval '1 hour';
end;
comment on function _wedding_dbopt.expected_pass(text, timestamptz, timestamptz) is
  'What is expected of a context in the middle of a pass, in calls per minute, and from which fit; nulls without a fit.';
