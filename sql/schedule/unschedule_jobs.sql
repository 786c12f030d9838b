create or replace function wedding_dbopt.unschedule_jobs() returns integer
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  removed integer := 0;
begin
  if exists (select from pg_extension where extname = 'pg_cron') then
    execute $cron$
      select count(cron.unschedule(j.jobid)) from cron.job j
      where j.jobname like 'wedding_dbopt %' and j.database = current_database()
    $cron$ into removed;
  end if;
  insert into _wedding_dbopt.event (at, actor, subject, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'schedule', 'unscheduled', format('%s jobs removed by %s', removed, _wedding_dbopt.actor()));
  return removed;
end $$;
comment on function wedding_dbopt.unschedule_jobs() is 'Takes our jobs off pg_cron; returns how many there were.';
