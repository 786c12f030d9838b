-- One expression without FROM, and not STRICT, so that the planner inlines it: called as a function it costs a hundred times
-- as much. The value of rank r = ceil(share x calls) has calls - r + 1 calls at or above it: Cantelli's inequality bounds it
-- by the deviation, Markov's by the sum.
create or replace function _wedding_dbopt.percentile_high(calls bigint, exec_ms float8, exec_sq float8, share float8) returns float8
language sql immutable parallel safe security invoker
return case when calls + exec_ms + exec_sq is not null then 0.001 + least(
    exec_ms / calls + sqrt(
      (greatest(exec_sq / calls - exec_ms / calls * (exec_ms / calls), 0) + 2e-7 * (exec_ms / calls) * (exec_ms / calls))
      * (calls / (calls - greatest(ceil(share * calls), 1) + 1) - 1)),
    exec_ms / (calls - greatest(ceil(share * calls), 1) + 1)) end;
comment on function _wedding_dbopt.percentile_high(bigint, float8, float8, float8) is
  'The most that a percentile of a statement''s durations can be, milliseconds, whatever their distribution, given their number, sum and sum of squares.';
