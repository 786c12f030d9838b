-- Closed hours are summed already (statement_recent); the passes since then would cost as much again.
create or replace function _wedding_dbopt.day_window(at timestamptz, out since timestamptz, out until timestamptz)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select case when closed.is_known then closed.hour - interval '23 hours' else day_window.at - interval '24 hours' end,
         case when closed.is_known then closed.hour else day_window.at end
  from (select date_trunc('hour', day_window.at, 'UTC') as hour,
               exists (select from _wedding_dbopt.rolled_hour r where r.hour = date_trunc('hour', day_window.at, 'UTC') - interval '12 hours')
               and exists (select from _wedding_dbopt.rolled_hour r where r.hour = date_trunc('hour', day_window.at, 'UTC') - interval '1 hour') as is_known) as closed
$$;
comment on function _wedding_dbopt.day_window(timestamptz) is
  'What a finding calls the last day: the last 23 closed hours, or 24 hours to the moment while history is younger than half a day or the last hour is not summed.';
