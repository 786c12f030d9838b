-- In seconds: a difference of a day or more would be added as days of the session's zone, which may have 23 or 25 hours.
-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.window_length(since timestamptz, until timestamptz) returns interval
language sql immutable parallel safe security invoker
begin atomic
  select make_interval(secs => extract(epoch from window_length.until - window_length.since)::float8);
end;
comment on function _wedding_dbopt.window_length(timestamptz, timestamptz) is
  'The time between two moments, in seconds; added to a moment it is as long wherever clocks change.';
