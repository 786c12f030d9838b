-- By the inequalities of Cantelli and Markov, as calls_above_low() is. Not all calls are above what their mean is not above.
create or replace function _wedding_dbopt.calls_above_high(calls float8, mean float8, variance float8, ms float8) returns float8
language sql immutable parallel safe security invoker
return case when mean <= ms then least(floor(calls * least((variance + 2e-7 * mean * mean)
                   / (variance + 2e-7 * mean * mean + (mean - ms) * (mean - ms)), mean / ms) + 1e-9), calls - 1)
            else calls end;
comment on function _wedding_dbopt.calls_above_high(float8, float8, float8, float8) is
  'How many of the calls were longer than a limit at most, given their number, mean (ms) and variance.';
