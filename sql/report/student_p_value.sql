-- From ten degrees of freedom on G. W. Hill's normal deviate for Student's t (Algorithm 395, Communications of the ACM 13
-- (1970)), and for the normal tail a Chebyshev fit of erfc with a relative error below 1.2e-7 (Numerical Recipes, 6.2).
-- Below ten the finite series for whole degrees (Abramowitz and Stegun 26.7.3 and 26.7.4), rounded down: never too
-- small a value.
create or replace function _wedding_dbopt.student_p_value(t float8, freedom float8) returns float8
language plpgsql immutable parallel safe strict security invoker set search_path = pg_catalog, pg_temp as $$
declare
  whole constant integer := floor(least(freedom, 10));
  size  constant float8 := abs(t);
  a float8;
  b float8;
  y float8;
  z float8;
begin
  if whole < 1 then
    return null;
  end if;
  if whole < 10 then
    y := atan(size / sqrt(whole));
    b := cos(y) * cos(y);
    if whole % 2 = 0 then
      a := case when whole > 6 then 1 + b * 5 / 6 else 1 end;
      a := case when whole > 4 then 1 + b * 3 / 4 * a else 1 end;
      a := case when whole > 2 then 1 + b / 2 * a else 1 end;
      return greatest(1 - sin(y) * a, 0);
    end if;
    a := case when whole > 7 then 1 + b * 6 / 7 else 1 end;
    a := case when whole > 5 then 1 + b * 4 / 5 * a else 1 end;
    a := case when whole > 3 then 1 + b * 2 / 3 * a else 1 end;
    return greatest(1 - 2 / pi() * (y + case when whole > 1 then sin(y) * cos(y) * a else 0 end), 0);
  end if;
  if size > 1e6 then
    return 0;
  end if;
  a := least(freedom, 1e6) - 0.5;
  b := 48 * a * a;
  y := a * ln(1 + size * size / least(freedom, 1e6));
  if y > 1400 then  -- beyond what exp() can return
    return 0;
  end if;
  z := (((((-0.4 * y - 3.3) * y - 24) * y - 85.5) / (0.8 * y * y + 100 + b) + y + 3) / b + 1) * sqrt(y / 2);
  y := 1 / (1 + 0.5 * z);
  return least(1, y * exp(-z * z - 1.26551223 + y * (1.00002368 + y * (0.37409196 + y * (0.09678418 + y * (-0.18628806
    + y * (0.27886807 + y * (-1.13520398 + y * (1.48851587 + y * (-0.82215223 + y * 0.17087277))))))))));
end $$;
comment on function _wedding_dbopt.student_p_value(float8, float8) is
  'Two-sided p-value of Student''s t. Relative error below 0.3 % (down to values of 1e-12) from ten degrees of freedom on; below ten they are rounded down and the value is exact for the rounded ones. Null without a degree of freedom.';
