-- One expression without FROM, and not STRICT, so that the planner inlines it: called as a function it costs a hundred times
-- as much. z is the standard normal quantile of the share; the square of the lognormal's shape is ln(1 + variance / mean^2).
create or replace function _wedding_dbopt.percentile_ms(calls bigint, exec_ms float8, exec_sq float8, share float8, z float8) returns float8
language sql immutable parallel safe security invoker
return case when calls + exec_ms + exec_sq is not null then least(greatest(
    exec_ms / calls * exp(z * sqrt(ln(greatest(exec_sq * calls / greatest(exec_ms * exec_ms, 1e-12), 1)))
                          - ln(greatest(exec_sq * calls / greatest(exec_ms * exec_ms, 1e-12), 1)) / 2),
    _wedding_dbopt.percentile_low(calls, exec_ms, exec_sq, share)), _wedding_dbopt.percentile_high(calls, exec_ms, exec_sq, share)) end;
comment on function _wedding_dbopt.percentile_ms(bigint, float8, float8, float8, float8) is
  'A percentile of a statement''s durations, milliseconds, as a lognormal distribution of their mean and variance has it, kept between its bounds.';
