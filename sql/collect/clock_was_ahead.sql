-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.clock_was_ahead(seen timestamptz, at timestamptz) returns boolean
language sql immutable parallel safe security invoker
return clock_was_ahead.seen >= clock_was_ahead.at + interval '10 minutes';
comment on function _wedding_dbopt.clock_was_ahead(timestamptz, timestamptz) is
  'Whether something was noted so long after this moment that no late pass explains it: the clock was ahead then, and it says nothing now.';
