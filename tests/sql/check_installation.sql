begin;
select plan(9);
select is_empty($$select need from wedding_dbopt.check_installation() where status = 'missing' and need <> 'jobs scheduled'$$, 'a full installation lacks nothing');
drop extension hypopg;
select results_eq($$select status, remedy from wedding_dbopt.check_installation() where need = 'extension hypopg'$$,
  $$values ('missing', 'CREATE EXTENSION hypopg;')$$, 'what is missing comes with the line that mends it');
select is_empty($$select need from wedding_dbopt.check_installation() where (status = 'missing') <> (remedy is not null)$$, 'a remedy for what is missing only');
select is(remedy, 'SELECT * FROM wedding_dbopt.schedule_jobs();', 'without jobs they are to be scheduled') from wedding_dbopt.check_installation() where need = 'jobs scheduled';
select wedding_dbopt.schedule_jobs() \g /dev/null
select matches(remedy, '-- in two minutes', 'just after that there is nothing to do but wait') from wedding_dbopt.check_installation() where need = 'jobs scheduled';
insert into cron.job_run_details (jobid, runid, command, status, return_message)
select jobid, 1000000000 + jobid, command, 'failed', 'connection failed' from cron.job where jobname like 'wedding_dbopt %';
select results_eq($$select finding like '%connection failed', remedy from wedding_dbopt.check_installation() where need = 'jobs scheduled'$$,
  $$values (true, 'ALTER SYSTEM SET cron.use_background_workers = on;   -- then restart the server')$$, 'pg_cron that gets no connection is said to, with what helps');
select is((select count(*) from wedding_dbopt.findings() where kind = 'cron_job_failing' and remedy like 'alter system set cron.use_background_workers = on%'), 4::bigint, 'and each job is a finding');
insert into _wedding_dbopt.collect_log (at, source) values (now() + interval '1 hour', 'pass');
select results_eq($$select status, remedy from wedding_dbopt.check_installation() where need = 'jobs scheduled'$$,
  $$values ('missing', 'pg_ctl restart   -- or wait until the clock has caught up')$$, 'passes of a clock that was ahead are none of now');
create role tap_reader;
select wedding_dbopt.grant_access('tap_reader', 'read');
set local role tap_reader;
select lives_ok('select * from wedding_dbopt.check_installation()', 'a reader who may not look into pg_cron gets the table all the same');
reset role;
select * from finish();
rollback;
