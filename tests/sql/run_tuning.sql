-- The procedures commit, so these rows stay in the throw-away database.
select plan(3);
call wedding_dbopt.run_tuning(aggressive_mode => true, dry_run => true, at => '2031-01-01Z');
select results_eq($$select level, season_mode, state, error from _wedding_dbopt.tuning_run where requested_at = '2031-01-01Z'$$,
  $$values ('aggressive', false, 'finished', null)$$, 'a run of the caller''s own is carried out at once');
select is((select count(*) from _wedding_dbopt.action), 0::bigint, 'a dry run enqueues nothing');
select throws_like($$call wedding_dbopt.run_tuning(optimization_level => 'extreme')$$, '%Unknown optimization_level%', 'an unknown level is named');
delete from _wedding_dbopt.recommendation;
delete from _wedding_dbopt.tuning_run;
select * from finish();
