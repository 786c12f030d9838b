-- The server counts no durations, but number, mean and variance bound how many were longer than a limit, whatever the
-- distribution: here by Cantelli's inequality, and by that of Bhatia and Davis, since times up to the limit cannot vary more.
-- The last digits of the variance are in doubt, because a float4 has rounded them away (2e-7). One expression without FROM,
-- so that the planner can inline it; it does so when what is given are columns.
create or replace function _wedding_dbopt.calls_above_low(calls float8, mean float8, variance float8, ms float8) returns float8
language sql immutable parallel safe security invoker
return case when mean <= ms then case when variance - 2e-7 * mean * mean > (ms - mean) * mean then 1 else 0 end
            else greatest(calls - floor(calls * (variance + 2e-7 * mean * mean)
                   / (variance + 2e-7 * mean * mean + (mean - ms) * (mean - ms)) + 1e-9), 1) end;
comment on function _wedding_dbopt.calls_above_low(float8, float8, float8, float8) is
  'How many of the calls were longer than a limit for certain, given their number, mean (ms) and variance.';
