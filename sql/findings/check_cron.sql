-- pg_cron's tables exist only where it does: without it a schema of that name is a stranger's, and its views are his code.
-- Its log has an index on runid alone, so only its end is read. A run that got no connection has no times.
create or replace function _wedding_dbopt.check_cron(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from pg_extension where extname = 'pg_cron') or not has_schema_privilege('cron', 'usage') then
    return;
  end if;
  if to_regclass('cron.job_run_details') is null or not has_table_privilege('cron.job_run_details', 'select') then
    return;
  end if;
  return query
  select 'large_cron_log', 'info', 'cron.job_run_details', log.oid, null::integer[], null::text,
         format('The log of pg_cron''s runs holds about %s rows (%s): nothing else ever removes them.', greatest(log.reltuples::bigint, pg_stat_get_live_tuples(log.oid)),
                pg_size_pretty(log.relpages * current_setting('block_size')::bigint)),
         jsonb_build_object('rows', greatest(log.reltuples::bigint, pg_stat_get_live_tuples(log.oid))),
         'delete from cron.job_run_details where end_time < now() - interval ''7 days'''
  from pg_class as log
  where log.oid = to_regclass('cron.job_run_details') and greatest(log.reltuples::bigint, pg_stat_get_live_tuples(log.oid)) >= 500000;
  return query execute $sql$
    select 'cron_job_failing', 'warning', coalesce(job.jobname::text, 'job ' || job.jobid), null::oid, null::integer[], null::text,
           format('The last %s runs of pg_cron''s job %s failed: %s', failed.runs, coalesce(job.jobname::text, job.jobid::text), failed.message),
           jsonb_build_object('jobid', job.jobid, 'failures', failed.runs, 'message', failed.message),
           case when failed.message = 'connection failed'
                then 'alter system set cron.use_background_workers = on;   -- then restart the server: no connection, no password, no line of pg_hba.conf is needed'
                else format('select * from cron.job_run_details where jobid = %s order by runid desc limit 10', job.jobid) end
    from cron.job
    cross join lateral (
      select count(*) as runs, (array_agg(run.return_message order by run.runid desc))[1] as message
      from (select recent.*, bool_and(recent.status = 'failed') over (order by recent.runid desc) as all_failed
            from cron.job_run_details as recent
            where recent.runid > (select max(runid) - 2000 from cron.job_run_details) and recent.jobid = job.jobid
              and recent.status in ('failed', 'succeeded') and coalesce(recent.end_time <= $1, recent.status = 'failed')) as run
      where run.all_failed) as failed
    where job.active and failed.runs > 0
    $sql$ using check_cron.at;
end $$;
comment on function _wedding_dbopt.check_cron(timestamptz) is 'Findings: pg_cron jobs whose last run failed, and a log of runs that nobody prunes.';
