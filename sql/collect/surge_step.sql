-- Page's test (E. S. Page, Continuous inspection schemes, Biometrika 41, 1954) on negative binomial counts: the evidence
-- for four times the usual load against the usual load adds up from pass to pass and never falls below zero. The usual load
-- is the expected one, corrected by how the last two hours and the day since the last fit compare with it. Both take a
-- pass far above for a moderate one, and hardly move while a surge is on, so a surge does not become usual before
-- about a day; both leave holidays fast, because the greater of the two counts.
create or replace function _wedding_dbopt.surge_step(
  state _wedding_dbopt.surge_state, at timestamptz, minutes float8, calls float8,
  expected float8, fitted_at timestamptz, history_days integer) returns _wedding_dbopt.surge_state
language plpgsql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
declare
  surge_factor  constant float8 := 4;    -- the evidence is for so many times the usual
  enough        constant float8 := 15;   -- evidence, as a logarithm of odds
  calm_factor   constant float8 := 1.75; -- a surge has ended below it
  least_excess  constant float8 := 10;   -- calls a minute above the usual; less is no load
  long_pass     constant float8 := 10;   -- minutes
  least_factor  float8 := 2.5;           -- never below this in the mean of some minutes
  s      record;
  rate   float8;   -- expected per minute before correction
  usual  float8;   -- usual calls of this pass
  spread float8;
  fade   float8;
  pace   float8 := case when state.surge_since is null then minutes else minutes / 12 end;
  quiet  float8;   -- calls, at most moderately above the usual
  factor float8;
begin
  select (state).* into s;
  s.own_calls := coalesce(s.own_calls, 0);
  s.own_minutes := coalesce(s.own_minutes, 0);
  rate := coalesce(expected, s.own_calls / nullif(s.own_minutes, 0), calls / minutes);
  s.basis := case when expected is null then 'recent' when history_days < 14 then 'short history' else 'profile' end;
  if s.evidence is null then
    s.fast_calls := 0; s.fast_expected := 0; s.slow_calls := 0; s.slow_expected := 0;
    s.spread_weight := 300 * (rate * minutes) ^ 2; s.spread := 0.1 * s.spread_weight;
    s.now_calls := 0; s.now_usual := 0; s.evidence := 0;
  end if;
  if s.fitted_at is distinct from fitted_at then
    s.fitted_at := fitted_at; s.slow_calls := 0; s.slow_expected := 0;
  end if;
  if expected is null then
    usual := rate * minutes;
    least_factor := 5;
  else
    usual := expected * minutes * greatest(
      (s.fast_calls + 20 * expected) / (s.fast_expected + 20 * expected + 1e-9),
      (s.slow_calls + 360 * expected) / (s.slow_expected + 360 * expected + 1e-9), 0.1);
    if history_days < 14 then
      least_factor := 4;
    end if;
  end if;
  usual := greatest(usual, 0.05 * minutes);
  spread := least(0.5, greatest(0.02, s.spread / nullif(s.spread_weight, 0)));

  -- A pass over a gap of the collection compares a mean of hours with one moment: it proves nothing.
  s.evidence := case when minutes > long_pass then 0 else greatest(0, least(100, s.evidence
    + calls * ln(surge_factor * (1 + spread * usual) / (1 + spread * surge_factor * usual))
    - ln((1 + spread * surge_factor * usual) / (1 + spread * usual)) / spread)) end;
  if s.evidence = 0 then
    s.began_at := null;
  elsif s.began_at is null then
    s.began_at := at - minutes * interval '1 minute';
  end if;
  fade := exp(-minutes / 2);
  s.now_calls := fade * s.now_calls + (1 - fade) * calls / minutes;
  s.now_usual := fade * s.now_usual + (1 - fade) * usual / minutes;
  factor := s.now_calls / nullif(s.now_usual, 0);

  if s.surge_since is not null then
    if factor < calm_factor or s.now_calls - s.now_usual < least_excess / 2 then
      s.surge_since := null; s.factor := null; s.evidence := 0; s.began_at := null;
    else
      s.factor := greatest(s.factor, factor);
    end if;
  elsif s.evidence >= enough and (factor >= least_factor or calls >= 2 * least_factor * usual)
        and (calls - usual) / minutes >= least_excess
        and (expected is not null or s.own_minutes >= 20) then
    s.surge_since := s.began_at;
    s.factor := factor;
  end if;

  quiet := least(calls, 1.5 * usual + 3 * sqrt(usual));
  fade := exp(-pace / 60);
  s.own_calls := fade * s.own_calls + pace / minutes * quiet;
  s.own_minutes := fade * s.own_minutes + pace;
  if expected is not null then
    fade := exp(-pace / 120);
    s.fast_calls := fade * s.fast_calls + pace / minutes * quiet;
    s.fast_expected := fade * s.fast_expected + pace * expected;
    fade := exp(-pace / 4320);
    s.slow_calls := fade * s.slow_calls + pace / minutes * quiet;
    s.slow_expected := fade * s.slow_expected + pace * expected;
  end if;
  if s.surge_since is null and s.evidence < enough / 2 and minutes <= long_pass then
    fade := exp(-minutes / 4320);
    s.spread := fade * s.spread + (least(calls, 2 * usual + 3 * sqrt(usual)) - usual) ^ 2 - usual;
    s.spread_weight := fade * s.spread_weight + usual ^ 2;
  end if;
  s.at := at;
  s.usual := usual / minutes;
  s.calls_per_minute := calls / minutes;
  return s;
end $$;
comment on function _wedding_dbopt.surge_step(_wedding_dbopt.surge_state, timestamptz, float8, float8, float8, timestamptz, integer) is
  'The surge watch after one more pass of a context: evidence, usual load, and whether a surge is on. Without an expected load (no fit yet) its own last hour is the usual, and only five times that is a surge.';
