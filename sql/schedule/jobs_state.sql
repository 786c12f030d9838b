-- The tables of pg_cron exist only where it does: without it a schema of that name is a stranger's, and its views are his
-- code. Its log has an index on runid alone: only its end is read. A name in a schema that a role may not use is an error
-- even for to_regclass, so the right to the schema is asked first.
create or replace function _wedding_dbopt.jobs_state(out jobs integer, out message text)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  jobs := 0;
  if not exists (select from pg_extension e where e.extname = 'pg_cron') then
    return;
  end if;
  if not has_schema_privilege('cron', 'usage') then
    jobs := null;
    return;
  end if;
  if to_regclass('cron.job') is null then
    return;
  end if;
  execute $sql$select count(*)::integer from cron.job where active and jobname like 'wedding\_dbopt %'$sql$ into jobs;
  if to_regclass('cron.job_run_details') is null then
    return;
  end if;
  execute $sql$
    select case when recent.status = 'failed' then recent.return_message end
    from cron.job_run_details as recent join cron.job using (jobid)
    where recent.runid > (select max(runid) - 2000 from cron.job_run_details)
      and job.active and job.jobname like 'wedding\_dbopt %' and recent.status in ('failed', 'succeeded')
    order by recent.runid desc limit 1$sql$ into message;
end $$;
comment on function _wedding_dbopt.jobs_state() is
  'How many of our jobs pg_cron has (null = the caller may not see), and what it said of the last finished run, when that failed.';
