-- No SET clause, so that the planner can inline it.
create or replace function _wedding_dbopt.alert_grade(value float8, warning numeric, critical numeric) returns text
language sql immutable parallel safe security invoker
begin atomic
  select case when value >= critical then 'critical' when value >= warning then 'warning'
              when value >= 0.8 * coalesce(warning, critical) then 'fading' end;
end;
comment on function _wedding_dbopt.alert_grade(float8, numeric, numeric) is
  'Severity of a value by a rule''s thresholds; fading = up to a fifth below the lowest, null = further below.';
