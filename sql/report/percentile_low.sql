-- One expression without FROM, and not STRICT, so that the planner inlines it: called as a function it costs a hundred times
-- as much. The value of rank ceil(share x calls) has at least that many calls at or below it, and Cantelli's inequality says
-- how far below the mean that is possible.
create or replace function _wedding_dbopt.percentile_low(calls bigint, exec_ms float8, exec_sq float8, share float8) returns float8
language sql immutable parallel safe security invoker
return case when calls + exec_ms + exec_sq is not null then greatest(exec_ms / calls - 0.001 - sqrt(
    (greatest(exec_sq / calls - exec_ms / calls * (exec_ms / calls), 0) + 2e-7 * (exec_ms / calls) * (exec_ms / calls))
    * (calls / greatest(ceil(share * calls), 1) - 1)), 0) end;
comment on function _wedding_dbopt.percentile_low(bigint, float8, float8, float8) is
  'The least that a percentile of a statement''s durations can be, milliseconds, whatever their distribution, given their number, sum and sum of squares.';
