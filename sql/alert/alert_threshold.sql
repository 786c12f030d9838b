-- No SET clause, so that the planner can inline it.
create or replace function _wedding_dbopt.alert_threshold(value float8, warning numeric, critical numeric) returns numeric
language sql immutable parallel safe security invoker
return case when value >= critical then critical else coalesce(warning, critical) end;
comment on function _wedding_dbopt.alert_threshold(float8, numeric, numeric) is
  'The threshold of a rule that a value has passed, or would pass next.';
