-- Bowling, Khasawneh, Kaewkuekool and Cho, A logistic approximation to the cumulative normal distribution, JIEM 2009.
-- One expression without FROM, and not STRICT (least and greatest are not), so that the planner inlines it: called as a function it
-- costs ten times as much.
create or replace function _wedding_dbopt.normal_tail(z float8) returns float8
language sql immutable parallel safe security invoker
return case when z is not null then 1 / (1 + exp(least(greatest(z * (1.5976 + 0.070565992 * z * z), -700), 700))) end;
comment on function _wedding_dbopt.normal_tail(float8) is
  'Probability that a standard normal variable is greater than z, within 0.00014.';
