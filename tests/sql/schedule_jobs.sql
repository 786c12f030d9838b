begin;
select plan(3);
select results_eq('select job_name, schedule from wedding_dbopt.schedule_jobs()',
  $$values ('wedding_dbopt collect', '* * * * *'), ('wedding_dbopt tick', '* * * * *'), ('wedding_dbopt maintain', '7 * * * *')$$, 'three jobs');
select wedding_dbopt.schedule_jobs();
select is((select count(*) from cron.job), 3::bigint, 'twice makes no more');
drop extension pg_cron;
select throws_ok('select wedding_dbopt.schedule_jobs()', 'WD007', null, 'without pg_cron it says what is missing');
select * from finish();
rollback;
