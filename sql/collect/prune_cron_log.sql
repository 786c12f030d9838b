create or replace function _wedding_dbopt.prune_cron_log(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from pg_extension e where e.extname = 'pg_cron')
     or to_regclass('cron.job_run_details') is null then
    return;
  end if;
  execute $sql$
    delete from cron.job_run_details d using cron.job j
    where j.jobid = d.jobid and j.jobname like 'wedding\_dbopt%' and coalesce(d.end_time, d.start_time) < $1
    $sql$
  using prune_cron_log.at - _wedding_dbopt.setting_value('cron_log_retention')::interval;
end $$;
comment on function _wedding_dbopt.prune_cron_log(timestamptz) is
  'Prunes the run log of our own pg_cron jobs, which pg_cron never does; nothing where pg_cron is not installed.';
