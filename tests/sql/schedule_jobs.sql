begin;
select plan(7);
select results_eq('select job_name, schedule from wedding_dbopt.schedule_jobs()',
  $$values ('wedding_dbopt collect', '* * * * *'), ('wedding_dbopt collect_hour', '23 * * * *'), ('wedding_dbopt tick', '* * * * *'), ('wedding_dbopt maintain', '7 * * * *')$$, 'four jobs');
select wedding_dbopt.schedule_jobs();
select is((select count(*) from cron.job), 4::bigint, 'twice makes no more');
select is((select count(*) from cron.job where command like '%call wedding_dbopt.collect_minute();%'), 1::bigint, 'a background worker collects for a minute, because pg_cron starts nothing beside it');
select is(_wedding_dbopt.pass_missed('2031-06-01 00:02Z'), true, 'when nothing was collected the tick takes a pass');
insert into _wedding_dbopt.collect_log (at, source) values ('2031-06-01 00:01Z', 'pass');
select is(_wedding_dbopt.pass_missed('2031-06-01 00:02Z'), false, 'not beside a session that collects');
select wedding_dbopt.unschedule_jobs();
select is(_wedding_dbopt.pass_missed('2031-06-01 00:03Z'), false, 'nor when collection is not scheduled');
drop extension pg_cron;
select throws_ok('select wedding_dbopt.schedule_jobs()', 'WD007', null, 'without pg_cron it says what is missing');
select * from finish();
rollback;
