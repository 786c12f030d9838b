-- Bowling, Khasawneh, Kaewkuekool and Cho, A logistic approximation to the cumulative normal distribution, JIEM 2009.
-- One expression without FROM, so that the planner can inline it.
create or replace function _wedding_dbopt.normal_tail(z float8) returns float8
language sql immutable strict parallel safe security invoker
return 1 / (1 + exp(least(greatest(z * (1.5976 + 0.070565992 * z * z), -700), 700)));
comment on function _wedding_dbopt.normal_tail(float8) is
  'Probability that a standard normal variable is greater than z, within 0.00014.';
