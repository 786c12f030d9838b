begin;
select plan(2);
select wedding_dbopt.pause();
select is(wedding_dbopt.resume() ->> 'previous', 'off', 'the pause ends');
select is((select value from wedding_dbopt.get_settings() where name = 'enabled'), 'on', 'and the tuner is on');
select * from finish();
rollback;
