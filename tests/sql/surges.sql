-- The watch of each pass: what it expects, when a surge begins and ends, what it does without history.
begin;
select plan(26);
delete from _wedding_dbopt.surge_state; delete from _wedding_dbopt.surge; delete from _wedding_dbopt.expected_hour;
create function pg_temp.pass(at timestamptz, bookings bigint, minutes float8 default 1) returns void language sql as $$
  insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
  values (at, at - minutes * interval '1 minute', true, '{}', '{}', '{}', '{}');
  insert into _wedding_dbopt.context_sample (at, previous_at, context, calls, exec_ms, exec_sq, rows, hit, read)
  select at, at - minutes * interval '1 minute', 'booking', bookings, 1, 1, 1, 1, 1 where bookings > 0;
  select _wedding_dbopt.sample_surges(at);
$$;
create function pg_temp.passes(since timestamptz, number integer, bookings bigint) returns void language sql as $$
  select pg_temp.pass(since + n * interval '1 minute', bookings) from generate_series(0, number - 1) n
$$;
create function pg_temp.state() returns _wedding_dbopt.surge_state language sql as $$
  select s from _wedding_dbopt.surge_state s where s.context = 'booking'
$$;

-- Without history the own last hour is the usual.
select is_empty($$select from _wedding_dbopt.surge_state$$, 'nothing is known at first');
select pg_temp.passes('2001-03-01 00:01Z', 10, 20) \gset
select pg_temp.passes('2001-03-01 00:11Z', 1, 400) \gset
select is_empty($$select from _wedding_dbopt.surges_on('2001-03-01 00:11Z')$$, 'ten minutes are not enough to call anything a surge');
select pg_temp.passes('2001-03-01 00:12Z', 30, 20) \gset
select is((pg_temp.state()).basis, 'recent', 'the state says what it rests on');
select pg_temp.passes('2001-03-01 00:42Z', 10, 80) \gset
select is_empty($$select from _wedding_dbopt.surges_on('2001-03-01 00:51Z')$$, 'four times the last hour is no surge without a profile');
select pg_temp.passes('2001-03-01 00:52Z', 60, 20) \gset
select pg_temp.passes('2001-03-01 01:52Z', 2, 200) \gset
select results_eq($$select context, basis from _wedding_dbopt.surges_on('2001-03-01 01:53Z') order by 1$$,
  $$values ('all', 'recent'), ('booking', 'recent')$$, 'ten times the last hour is one, of the context and of all, within two minutes');

-- With a profile: 20 a minute until noon of the tenth, then a daily peak of 100 within the hour.
insert into _wedding_dbopt.expected_hour (context, hour, calls_per_minute, low, high, fitted_at, history_days)
select context, hour, case when hour >= '2001-03-10 12:00Z' then 100 else 20 end, 1, 2, '2001-03-10Z', 30
from generate_series(timestamptz '2001-03-10Z', '2001-03-12Z', '1 hour') hour, unnest(array['booking', 'all']) context;
select is((select calls_per_minute from _wedding_dbopt.expected_pass('booking', '2001-03-10 12:00:00Z', '2001-03-10 12:00:00Z')), 60::float8,
  'between the middles of two hours the expected load is a straight line');
select is((select calls_per_minute from _wedding_dbopt.expected_pass('booking', '2001-03-10 08:10Z', '2001-03-10 08:11Z')), 20::float8, 'of equal hours it is theirs');
select is((select calls_per_minute from _wedding_dbopt.expected_pass('booking', '2001-03-20 08:10Z', '2001-03-20 08:11Z')), null, 'beyond the last fit nothing is expected');
select pg_temp.passes('2001-03-10 08:00Z', 60, 20) \gset
select is((pg_temp.state()).basis, 'profile', 'a month of history is a profile');
select is((select count(*) from _wedding_dbopt.surge where ended_at is null), 0::bigint, 'the surge before the gap is over');
select pg_temp.pass('2001-03-10 09:00Z', 60) \gset
select is_empty($$select from _wedding_dbopt.surges_on('2001-03-10 09:00Z')$$, 'one minute of three times the usual is none');
select pg_temp.passes('2001-03-10 09:01Z', 60, 20) \gset
select pg_temp.passes('2001-03-10 10:01Z', 1, 200) \gset
select is((select count(*) from _wedding_dbopt.surges_on('2001-03-10 10:01Z')), 2::bigint, 'ten times the usual is one in the first whole minute');
select is(began_at, timestamptz '2001-03-10 10:00Z', 'it began with that minute') from _wedding_dbopt.surges_on('2001-03-10 10:01Z') where context = 'booking';
select is_empty($$select from _wedding_dbopt.surges_on('2001-03-10 10:00Z')$$, 'the minute before knows nothing of it');
select pg_temp.passes('2001-03-10 10:02Z', 9, 200) \gset
select is((select count(*) from _wedding_dbopt.surge where context = 'booking' and ended_at is null), 1::bigint, 'it stays one surge');
select ok(factor between 8 and 10, 'with its greatest factor') from _wedding_dbopt.surge where context = 'booking' and ended_at is null;
select pg_temp.passes('2001-03-10 10:11Z', 5, 20) \gset
select ok((select ended_at from _wedding_dbopt.surge where context = 'booking' order by id desc limit 1) between '2001-03-10 10:12Z' and '2001-03-10 10:16Z', 'its end is seen within five minutes');
select is((pg_temp.state()).surge_since, null, 'and forgotten');
select pg_temp.passes('2001-03-10 10:16Z', 60, 20) \gset
select pg_temp.passes('2001-03-10 11:16Z', 8, 80) \gset
select is((select count(*) from _wedding_dbopt.surges_on('2001-03-10 11:23Z') where context = 'booking'), 1::bigint, 'four times the usual is one within eight minutes');
select pg_temp.passes('2001-03-10 11:24Z', 30, 20) \gset
select count(pg_temp.pass(timestamptz '2001-03-10 11:54Z' + n * interval '1 minute', least(100, 20 + greatest(0, n - 6) * 2))::text) from generate_series(0, 120) n \gset
select is_empty($$select from _wedding_dbopt.surges_on('2001-03-10 13:54Z')$$, 'the rise to the daily peak is none');

-- Odd passes.
select pg_temp.pass('2001-03-10 20:00Z', 30000, 360) \gset
select is_empty($$select from _wedding_dbopt.surges_on('2001-03-10 20:00Z')$$, 'a pass over a gap of six hours proves nothing');
select is((pg_temp.state()).evidence, 0::float8, 'and leaves no evidence');
create temporary table before as select * from _wedding_dbopt.surge_state;
select _wedding_dbopt.sample_surges('2001-03-10 20:00Z') \gset
select results_eq('select * from _wedding_dbopt.surge_state order by context', 'select * from before order by context', 'the same pass twice changes nothing');
insert into _wedding_dbopt.statement_sample (at, complete, ids, calls, exec_us, exec_sq) values ('2001-03-10 20:01Z', true, '{}', '{}', '{}', '{}');
select lives_ok($$select _wedding_dbopt.sample_surges('2001-03-10 20:01Z')$$, 'a first pass has nothing to compare with');
update _wedding_dbopt.expected_hour set history_days = 5, hour = hour + interval '10 days';
select pg_temp.passes('2001-03-20 08:00Z', 60, 20) \gset
select pg_temp.passes('2001-03-20 09:00Z', 8, 70) \gset
select is((pg_temp.state()).basis, 'short history', 'five days are a short history');
select is_empty($$select from _wedding_dbopt.surges_on('2001-03-20 09:07Z')$$, 'on which three and a half times the usual is no surge');
select * from finish();
rollback;
