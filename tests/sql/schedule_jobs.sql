begin;
select plan(4);
select results_eq('select job_name, schedule from wedding_dbopt.schedule_jobs()',
  $$values ('wedding_dbopt collect', '* * * * *'), ('wedding_dbopt collect_hour', '23 * * * *'), ('wedding_dbopt tick', '* * * * *'), ('wedding_dbopt maintain', '7 * * * *')$$, 'four jobs');
select wedding_dbopt.schedule_jobs();
select is((select count(*) from cron.job), 4::bigint, 'twice makes no more');
select is((select count(*) from cron.job where command like '%call wedding_dbopt.collect_minute();%'), 1::bigint, 'collection stays for its minute');
drop extension pg_cron;
select throws_ok('select wedding_dbopt.schedule_jobs()', 'WD007', null, 'without pg_cron it says what is missing');
select * from finish();
rollback;
