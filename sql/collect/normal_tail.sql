-- Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17. No SET clause, so that the planner can inline it.
create or replace function _wedding_dbopt.normal_tail(z float8) returns float8
language sql immutable strict parallel safe security invoker
begin atomic
  select case when z < 0 then 1 - t.tail else t.tail end
  from (select 0.3989422804014327 * exp(-0.5 * least(z * z, 1400)) * u.t
          * (0.319381530 + u.t * (-0.356563782 + u.t * (1.781477937 + u.t * (-1.821255978 + u.t * 1.330274429)))) as tail
        from (select 1 / (1 + 0.2316419 * abs(z)) as t) u) t;
end;
comment on function _wedding_dbopt.normal_tail(float8) is
  'Probability that a standard normal variable is greater than z, within 7.5e-8.';
