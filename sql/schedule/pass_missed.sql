-- Where pg_cron starts the collecting job each ten minutes: when its session dies, the passes until then are the tick's, one
-- a minute. A session that lives, and a job that is just beginning, is given time to be late.
create or replace function _wedding_dbopt.pass_missed(at timestamptz) returns boolean
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  scheduled text;
  late      interval := interval '90 seconds';
begin
  if not exists (select from pg_extension e where e.extname = 'pg_cron') then  -- a schema of that name would be a stranger's
    return false;
  end if;
  execute $sql$select j.schedule from cron.job j where j.active and j.jobname = 'wedding_dbopt collect' and j.database = current_database()$sql$ into scheduled;
  if scheduled is null then
    return false;
  end if;
  if scheduled <> '* * * * *' and extract(minute from pass_missed.at)::integer % 10 <> 0
     and not exists (select from _wedding_dbopt.collecting_sessions() c join pg_stat_get_activity(c.pid) a on a.backend_start = c.backend_start) then
    late := interval '45 seconds';
  end if;
  return not exists (select from _wedding_dbopt.collect_log l where l.source = 'pass' and l.at > pass_missed.at - late
                     and l.at < pass_missed.at + interval '1 minute');  -- a clock that was ahead has left later ones
end $$;
comment on function _wedding_dbopt.pass_missed(timestamptz) is 'Whether collection is scheduled, but nothing was collected in the time in which it should have been.';
