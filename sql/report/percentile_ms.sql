-- No SET clause, so that the planner can inline it. z is the quantile of the standard normal distribution for that share.
create or replace function _wedding_dbopt.percentile_ms(calls bigint, exec_ms float8, exec_sq float8, share float8, z float8) returns float8
language sql immutable strict parallel safe security invoker
begin atomic
  select least(greatest(m.mean * exp(z * sqrt(m.shape) - m.shape / 2), _wedding_dbopt.percentile_low(calls, exec_ms, exec_sq, share)),
               _wedding_dbopt.percentile_high(calls, exec_ms, exec_sq, share))
  from (select s.mean, ln(1 + greatest(exec_sq / calls / (s.mean * s.mean) - 1, 0)) as shape
        from (select greatest(exec_ms / calls, 1e-6) as mean) s) m;
end;
comment on function _wedding_dbopt.percentile_ms(bigint, float8, float8, float8, float8) is
  'A percentile of a statement''s durations, milliseconds, as a lognormal distribution of their mean and variance has it, kept between its bounds.';
