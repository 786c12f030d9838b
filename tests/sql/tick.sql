-- The procedures commit, so these rows stay in the throw-away database.
select plan(8);
call wedding_dbopt.tick('2031-06-01Z');
select is((select count(*) from _wedding_dbopt.tuning_run), 0::bigint, 'nothing is due before the jobs are scheduled');
insert into _wedding_dbopt.event (at, actor, subject, reason) values ('2031-06-01 00:00Z', 'tap', 'schedule', 'tap');
call wedding_dbopt.tick('2031-06-01 03:59Z');
select is((select count(*) from _wedding_dbopt.tuning_run), 0::bigint, 'S1, E79: nor within the season''s interval');
call wedding_dbopt.tick('2031-06-01 04:00Z');
select results_eq('select trigger, season_mode, state from _wedding_dbopt.tuning_run',
  $$values ('schedule', true, 'finished')$$, 'then the tick queues a run and carries it out');
select is((select count(*) from _wedding_dbopt.statement s where s.classified_at is null
             and s.dbid = (select d.oid from pg_database d where d.datname = current_database())), 0::bigint, 'and new statements are classified');
-- A step that fails keeps nothing else from happening.
select pg_get_functiondef('_wedding_dbopt.withdraw_equalled()'::regprocedure) as whole \gset
create or replace function _wedding_dbopt.withdraw_equalled() returns integer language plpgsql as $$ begin raise exception 'it broke' using errcode = 'XX001'; end $$;
call wedding_dbopt.tick('2031-06-01 08:00Z');
select is((select count(*) from _wedding_dbopt.tuning_run where state = 'finished'), 2::bigint, 'a step that fails does not keep the tick from its run');
select results_eq($$select source, sqlstate, reason from _wedding_dbopt.collect_log where at = '2031-06-01 08:00Z' and source like 'tick%'$$,
  $$values ('tick: withdraw_equalled', 'XX001', 'it broke')$$, 'and the log says why');
:whole;
delete from _wedding_dbopt.collect_log where at = '2031-06-01 08:00Z';
delete from _wedding_dbopt.tuning_run;
delete from _wedding_dbopt.event where actor = 'tap';
select throws_ok($$call wedding_dbopt.tick('294276-12-30Z')$$, '22023', 'at must be a time that comes', 'a time that never comes is refused before anything is stored under it');
select throws_ok($$call wedding_dbopt.tick('infinity')$$, '22023', 'at must be a time that comes', 'nor an infinite one');
select * from finish();
