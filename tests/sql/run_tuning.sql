-- The procedures commit, so these rows stay in the throw-away database.
select plan(9);
call wedding_dbopt.run_tuning(aggressive_mode => true, dry_run => true, at => '2031-01-01Z');
select results_eq($$select level, season_mode, state, error from _wedding_dbopt.tuning_run where requested_at = '2031-01-01Z'$$,
  $$values ('aggressive', false, 'finished', null)$$, 'a run of the caller''s own is carried out at once');
select is((select count(*) from _wedding_dbopt.action), 0::bigint, 'a dry run enqueues nothing');
select is((select baseline_id from _wedding_dbopt.tuning_run where requested_at = '2031-01-01Z'), null, 'and needs no baseline');
call wedding_dbopt.run_tuning(at => '2031-01-02Z');
select is((select b.name from _wedding_dbopt.tuning_run r join _wedding_dbopt.baseline b on b.id = r.baseline_id where r.requested_at = '2031-01-02Z'),
  (select format('before run %s', r.id) from _wedding_dbopt.tuning_run r where r.requested_at = '2031-01-02Z'), 'another one keeps how things were before it');
alter function _wedding_dbopt.take_run_baseline(bigint, timestamptz) rename to take_run_baseline_away;
call wedding_dbopt.run_tuning(at => '2031-01-03Z');
alter function _wedding_dbopt.take_run_baseline_away(bigint, timestamptz) rename to take_run_baseline;
select is((select state from _wedding_dbopt.tuning_run where requested_at = '2031-01-03Z'), 'finished', 'without a baseline a run goes on');
select is((select count(*) from _wedding_dbopt.event e join _wedding_dbopt.tuning_run r on e.subject = 'tuning_run' and e.subject_id = r.id::text
           where r.requested_at = '2031-01-03Z' and e.reason like 'no baseline could be kept: %'), 1::bigint, 'and says so');
select throws_like($$call wedding_dbopt.run_tuning(dry_run => true)$$, '%cannot run inside a transaction%', 'inside a transaction it says so, in words');
select throws_like($$call wedding_dbopt.run_tuning(optimization_level => 'extreme')$$, '%Unknown optimization_level%', 'an unknown level is named');
create function pg_temp.context_of(statement text) returns text language plpgsql as $$
declare said text; begin execute statement; exception when others then get stacked diagnostics said = pg_exception_context; return said; end $$;
select unalike(pg_temp.context_of($$call wedding_dbopt.run_tuning(optimization_level => 'extreme')$$), '%Traceback%', 'no error carries a traceback');
select _wedding_dbopt.forget_baselines(array(select baseline_id from _wedding_dbopt.tuning_run)) \g /dev/null
delete from _wedding_dbopt.recommendation;
delete from _wedding_dbopt.tuning_run;
select * from finish();
