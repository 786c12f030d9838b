-- Bounds limit the sum, the sum limits the sum of squares from below and, with the bounds, from above. What is given are
-- differences of sums that may have grown for years, so their last digits are in doubt. A body without SET is inlined.
create or replace function _wedding_dbopt.is_possible(calls bigint, ms float8, sq float8, shortest float8, longest float8,
  doubt_ms float8, doubt_sq float8) returns boolean
language sql immutable parallel safe security invoker
return is_possible.calls >= 0
  and is_possible.ms >= is_possible.calls * is_possible.shortest - is_possible.doubt_ms
  and is_possible.ms <= is_possible.calls * is_possible.longest + is_possible.doubt_ms
  and is_possible.ms * is_possible.ms <= is_possible.calls * (is_possible.sq + is_possible.doubt_sq)
        + 2 * is_possible.longest * is_possible.calls * is_possible.doubt_ms + is_possible.doubt_ms * is_possible.doubt_ms
  and is_possible.sq <= (is_possible.shortest + is_possible.longest) * is_possible.ms
        - is_possible.calls * is_possible.shortest * is_possible.longest + is_possible.doubt_sq;
comment on function _wedding_dbopt.is_possible(bigint, float8, float8, float8, float8, float8, float8) is
  'Whether so many calls, none shorter or longer than given, can add up to these milliseconds and squared milliseconds.';
