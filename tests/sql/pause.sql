begin;
select plan(2);
select is(wedding_dbopt.pause() ->> 'value', 'off', 'the kill switch is pulled');
select is(_wedding_dbopt.tuning_due('2099-01-01Z'), false, 'and no run is ever due');
select * from finish();
rollback;
