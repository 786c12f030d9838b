-- What is learned in an hour shrinks as history grows: the fit is renewed when history is a 24th longer, at most hourly and
-- at least daily. Before a day has passed there is nothing to fit.
create or replace function _wedding_dbopt.fit_load(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  history constant interval := fit_load.at - (select min(c.hour) from _wedding_dbopt.context_hour c);
  last_at constant timestamptz := (select max(f.fitted_at) from _wedding_dbopt.load_fit f);
begin
  delete from _wedding_dbopt.expected_hour e where e.hour < fit_load.at - _wedding_dbopt.setting_value('hourly_retention')::interval;
  delete from _wedding_dbopt.expected_day e where e.day < fit_load.at - _wedding_dbopt.setting_value('hourly_retention')::interval;
  delete from _wedding_dbopt.surge s where s.ended_at < fit_load.at - _wedding_dbopt.setting_value('daily_retention')::interval;
  if history >= interval '1 day'
     and (last_at is null or last_at > fit_load.at
          or fit_load.at - last_at >= least(interval '1 day', greatest(interval '1 hour', history / 24)) - interval '5 minutes') then
    perform _wedding_dbopt.fit_load_in_python(fit_load.at);
  end if;
end $$;
comment on function _wedding_dbopt.fit_load(timestamptz) is
  'Renews what is expected of the load when the last fit is old enough, and drops expectations and surges past their retention.';
