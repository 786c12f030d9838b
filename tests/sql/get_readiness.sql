begin;
select plan(3);
insert into _wedding_dbopt.readiness (requested_by, requested_at, season, state, result) values ('me', '2001-04-01Z', 'wedding', 'finished', '{"breaks_first": {"what": "payment"}}');
set transaction read only;
select is(wedding_dbopt.get_readiness() #>> '{breaks_first,what}', 'payment', 'the latest run, in a read-only transaction');
select is(wedding_dbopt.get_readiness((wedding_dbopt.get_readiness() ->> 'readiness_id')::bigint) ->> 'season', 'wedding', 'or one by its id');
select throws_ok($$ select wedding_dbopt.get_readiness(0) $$, '22023');
select * from finish();
rollback;
