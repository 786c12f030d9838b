-- One expression without FROM, so that the planner can inline it.
create or replace function _wedding_dbopt.lognormal_z(mean float8, variance float8, ms float8) returns float8
language sql immutable parallel safe security invoker
return (ln(ms / mean) + ln(1 + 2e-7 + variance / (mean * mean)) / 2) / sqrt(ln(1 + 2e-7 + variance / (mean * mean)));
comment on function _wedding_dbopt.lognormal_z(float8, float8, float8) is
  'Where a limit lies in the standard normal distribution that a lognormal one of this mean and variance has as its logarithm.';
