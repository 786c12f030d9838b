begin;
select plan(6);
create temporary table answer as select wedding_dbopt.optimize_database('aggressive', true) as a;
select is(a -> 'result' ->> 'state', 'queued', 'a run is queued at once (E84)') from answer;
select results_eq($$select level, season_mode, trigger from _wedding_dbopt.tuning_run where id = (select (a #>> '{result,run_id}')::bigint from answer)$$,
  $$values ('aggressive', true, 'rpc')$$, 'as asked for');
select is(wedding_dbopt.optimize_database('aggressive', true) #>> '{result,run_id}', a #>> '{result,run_id}', 'the same request again is the same run') from answer;
select is(jsonb_typeof(a #> '{result,plan}'), 'array', 'with today''s open recommendations') from answer;
select wedding_dbopt.pause() \g /dev/null
select matches(wedding_dbopt.optimize_database() #>> '{result,next}', '^The extension is paused: run \d+ waits until resume\(\) is called', 'while paused it says that nothing will happen');
select throws_ok($$select wedding_dbopt.optimize_database('extreme')$$, '22023', 'Unknown optimization_level ''extreme''', 'an unknown level is named');
select * from finish();
rollback;
