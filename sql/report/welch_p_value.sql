create or replace function _wedding_dbopt.welch_p_value(
  mean_before float8, error_before float8, n_before float8, mean_after float8, error_after float8, n_after float8) returns float8
language plpgsql immutable parallel safe strict security invoker set search_path = pg_catalog, pg_temp as $$
declare
  variance_before constant float8 := error_before * error_before;
  variance_after  constant float8 := error_after * error_after;
  variance        constant float8 := variance_before + variance_after;
begin
  if n_before < 2 or n_after < 2 then
    return null;
  end if;
  if variance < 1e-24 * (mean_before * mean_before + mean_after * mean_after) or variance = 0 then
    return case when abs(mean_after - mean_before) <= 1e-9 * (abs(mean_before) + abs(mean_after)) then 1 else 0 end;
  end if;
  return _wedding_dbopt.student_p_value((mean_after - mean_before) / sqrt(variance),
    1 / ((variance_before / variance) ^ 2 / (n_before - 1) + (variance_after / variance) ^ 2 / (n_after - 1)));
end $$;
comment on function _wedding_dbopt.welch_p_value(float8, float8, float8, float8, float8, float8) is
  'Welch''s test of two means from their standard errors and numbers of values, two-sided; null where a side has fewer than two values. Sides that do not vary give 0 or 1.';
