begin;
select plan(3);
select cron.schedule('somebody''s', '0 0 * * *', 'select 1');
select wedding_dbopt.schedule_jobs();
select is(wedding_dbopt.unschedule_jobs(), 4, 'our jobs go');
select is(string_agg(jobname, ','), 'somebody''s', 'others stay') from cron.job;
select is(wedding_dbopt.unschedule_jobs(), 0, 'twice changes nothing');
select * from finish();
rollback;
