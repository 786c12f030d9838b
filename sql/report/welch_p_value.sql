-- One expression without FROM, and not STRICT, so that the planner inlines it: thousands of statements are compared at once.
create or replace function _wedding_dbopt.welch_p_value(
  mean_before float8, error_before float8, n_before float8, mean_after float8, error_after float8, n_after float8, least_t float8 default 0)
returns float8
language sql immutable parallel safe security invoker
return case
  when n_before < 2 or n_after < 2 or mean_before + error_before + n_before + mean_after + error_after + n_after is null then null
  when error_before * error_before + error_after * error_after < 1e-24 * (mean_before * mean_before + mean_after * mean_after)
       or error_before * error_before + error_after * error_after = 0 then
    case when abs(mean_after - mean_before) <= 1e-9 * (abs(mean_before) + abs(mean_after)) then 1 else 0 end
  when abs(mean_after - mean_before) < least_t * sqrt(error_before * error_before + error_after * error_after) then 1
  else _wedding_dbopt.student_p_value((mean_after - mean_before) / sqrt(error_before * error_before + error_after * error_after),
    1 / ((error_before * error_before / (error_before * error_before + error_after * error_after)) ^ 2 / (n_before - 1)
         + (error_after * error_after / (error_before * error_before + error_after * error_after)) ^ 2 / (n_after - 1))) end;
comment on function _wedding_dbopt.welch_p_value(float8, float8, float8, float8, float8, float8, float8) is
  'Welch''s test of two means from their standard errors and numbers of values, two-sided; null where a side has fewer than two values. Sides that do not vary give 0 or 1. A difference of fewer than least_t standard errors gives 1 without being worked out.';
