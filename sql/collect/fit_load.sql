-- What is learned in an hour shrinks as history grows: the fit is renewed when history is a 24th longer, at most hourly and
-- at least daily. Before a day has passed there is nothing to fit. One context a call, so that each is a short transaction.
create or replace function _wedding_dbopt.fit_load(at timestamptz) returns boolean
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  history constant interval := fit_load.at - (select min(c.hour) from _wedding_dbopt.context_hour c);
  stale   constant timestamptz := fit_load.at + interval '5 minutes' - least(interval '1 day', greatest(interval '1 hour', history / 24));
begin
  delete from _wedding_dbopt.expected_hour e where e.hour < fit_load.at - _wedding_dbopt.setting_value('hourly_retention')::interval;
  delete from _wedding_dbopt.expected_day e where e.day < fit_load.at - _wedding_dbopt.setting_value('hourly_retention')::interval;
  delete from _wedding_dbopt.surge s where s.ended_at < fit_load.at - _wedding_dbopt.setting_value('daily_retention')::interval;
  if history >= interval '1 day'
     and (not exists (select from _wedding_dbopt.load_fit)
          or exists (select from _wedding_dbopt.load_fit f  -- equal: this run has begun
                     where f.fitted_at <= stale or f.fitted_at >= fit_load.at)) then
    return _wedding_dbopt.fit_load_in_python(fit_load.at, stale);
  end if;
  return false;
end $$;
comment on function _wedding_dbopt.fit_load(timestamptz) is
  'Renews what is expected of the load of one context whose last fit is old enough, and drops expectations and surges past their retention. Answers whether there was one.';
