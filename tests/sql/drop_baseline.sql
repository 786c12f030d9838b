begin;
select plan(6);
select wedding_dbopt.create_baseline('tap 1') \g /dev/null
create table public.tap_drift (id integer);
select wedding_dbopt.create_baseline('tap 2') \g /dev/null
select is((select count(*) from _wedding_dbopt.baseline_catalogue), 2::bigint, 'two states of the catalogue');
select is(wedding_dbopt.drop_baseline('tap 1'), '{"success": true, "name": "tap 1"}', 'a baseline is dropped');
select is((select array_agg(name) from wedding_dbopt.get_baselines()), '{tap 2}', 'that one');
select is((select array_agg(fingerprint) from _wedding_dbopt.baseline_catalogue), (select array_agg(catalogue) from _wedding_dbopt.baseline), 'with the catalogue that only it had');
select is((select string_agg(to_state, ',' order by id) from _wedding_dbopt.event where subject = 'baseline' and subject_id = 'tap 1'), 'kept,dropped', 'the events stay');
select throws_ok($$select wedding_dbopt.drop_baseline('tap 1')$$, '22023', 'there is no baseline ''tap 1''', 'a name that is not there is refused');
select * from finish();
rollback;
