-- pg_cron's launcher, when jobs are its background workers, waits for the answer of the job it started first and starts no
-- other meanwhile (seen with 1.4: no tick while a collector of ten minutes ran). There collection is a job of each minute,
-- which begins beside the tick and ends before the next one; with connections pg_cron waits for nobody.
-- A job outlives DROP EXTENSION; so each takes itself off pg_cron when its routine is gone.
create or replace function wedding_dbopt.schedule_jobs() returns table (job_id bigint, job_name text, schedule text, command text)
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $function$
declare
  job record;
  in_turn constant boolean := coalesce(current_setting('cron.use_background_workers', true), 'off') = 'on';
begin
  if not exists (select from pg_extension where extname = 'pg_cron') then
    raise exception 'pg_cron is not installed in database %', current_database()
      using errcode = 'WD007',
            hint = 'SELECT * FROM wedding_dbopt.check_installation(); names the lines that mend it. Without pg_cron, call wedding_dbopt.collect_minute() and wedding_dbopt.tick() every minute, wedding_dbopt.collect_hour() and wedding_dbopt.maintain() every hour from outside.';
  end if;
  for job in select * from (values
      ('collect', case when in_turn then 'collect_minute' else 'collect_minutes' end, case when in_turn then '* * * * *' else '*/10 * * * *' end),
       ('collect_hour', 'collect_hour', '23 * * * *'), ('tick', 'tick', '* * * * *'), ('maintain', 'maintain', '7 * * * *')) as j (name, routine, cron)
  loop
    job_name := 'wedding_dbopt ' || job.name;
    schedule := job.cron;
    command := format(
      $job$do $$begin if to_regproc(%L) is null then perform cron.unschedule(%L); else call wedding_dbopt.%I(); end if; end$$$job$,
      'wedding_dbopt.' || job.routine, job_name, job.routine);
    execute 'select cron.schedule($1, $2, $3)' into job_id using job_name, schedule, command;
    return next;
  end loop;
  insert into _wedding_dbopt.event (at, actor, subject, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'schedule', 'scheduled', 'schedule_jobs() by ' || _wedding_dbopt.actor());
end $function$;
comment on function wedding_dbopt.schedule_jobs() is
  'Puts collection on pg_cron (each minute where jobs are background workers, else in a session that stays for ten minutes), the tick each minute, the rarer collection and maintenance each hour; calling it again changes nothing. Call it as the extension''s owner.';
