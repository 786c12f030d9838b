begin;
select plan(23);
update _wedding_dbopt.setting set value = 'Europe/Berlin' where name = 'time_zone';
select is_empty($$select from wedding_dbopt.get_forecast(at => '2001-03-15Z')$$, 'without a fit there is no forecast');

-- Ten weeks of bookings, busy at 10 and quiet at night, on Sundays a half; one holiday, one hour that was hardly observed.
insert into _wedding_dbopt.context_hour (hour, context, calls, exec_ms, exec_sq, rows, hit, read)
select hour, 'booking', (case when local::date = '2001-03-07' then 0.3 else 1 end * case extract(isodow from local) when 7 then 0.5 else 1 end
  * case when extract(hour from local) = 10 then 6000 when extract(hour from local) between 8 and 21 then 3000 else 600 end)::integer, 1, 1, 1, 1, 1
from generate_series(timestamptz '2001-01-14 23:00Z', '2001-03-25 05:00Z', '1 hour') hour, lateral (select hour at time zone 'Europe/Berlin') l(local);
insert into _wedding_dbopt.rolled_hour (hour, passes, observed_s, complete) values ('2001-03-25 03:00Z', 1, 60, true), ('2001-03-25 04:00Z', 1, 90000, true);
update _wedding_dbopt.context_hour set calls = 90000 where hour in ('2001-03-25 03:00Z', '2001-03-25 04:00Z');
insert into _wedding_dbopt.context_hour (hour, context, calls, exec_ms, exec_sq, rows, hit, read) values ('2001-03-24 12:00Z', 'payment', 5, 1, 1, 1, 1, 1);
select is((select array[cardinality(local_hours), cardinality(rates)] from _wedding_dbopt.load_history('2001-03-25 06:00Z') where context = 'booking'), array[1661, 1661],
  'hours that were hardly observed, or stand for a gap, are no history');
select count(_wedding_dbopt.fit_load('2001-03-25 06:00Z')) from generate_series(1, 10) \g /dev/null
select is((select count(*) from _wedding_dbopt.load_fit), 2::bigint, 'a fit is made');
create temporary table day as select * from wedding_dbopt.get_forecast('booking', at => '2001-03-25 06:00Z');
create temporary table hour as select * from wedding_dbopt.get_forecast('booking', '7 days', 'hour', '2001-03-25 06:00Z');

select is(count(*), 29::bigint, 'four weeks of days, today among them') from day;
select is(min(since), timestamptz '2001-03-24 23:00Z', 'days are local') from day;
select is(until - since, interval '23 hours', 'the clocks change today') from day order by since limit 1;
select is(count(*), 168::bigint, 'a week of hours') from hour;
select is(min(since), timestamptz '2001-03-25 06:00Z', 'from this one on') from hour;
select ok(bool_and(low < calls and calls < high), 'each within its interval') from hour;
select ok(calls between 5100 and 6900, 'ten o''clock on a Monday is known') from hour where since at time zone 'Europe/Berlin' = '2001-03-26 10:00';
select ok(calls between 510 and 690, 'and its night') from hour where since at time zone 'Europe/Berlin' = '2001-03-26 03:00';
select ok(calls between 2550 and 3450, 'and Wednesday noon, in spite of the holiday') from hour where since at time zone 'Europe/Berlin' = '2001-03-28 12:00';
select ok(calls between 1275 and 1725, 'Sundays are a half') from hour where since at time zone 'Europe/Berlin' = '2001-04-01 12:00';
select ok(abs(calls / 51000 - 1) < 0.15, 'a day is the sum of its hours') from day where since at time zone 'Europe/Berlin' = '2001-03-27';
select ok(bool_and(seasons = '{}'), 'no season until the end of April') from day;
select ok(bool_and(basis like 'weeks of history%'), 'the basis is told') from day;
select is_empty($$select from wedding_dbopt.get_forecast('payment', at => '2001-03-25 06:00Z')$$, 'a context that hardly ran has none');
select ok(exists (select from wedding_dbopt.get_forecast('all', at => '2001-03-25 06:00Z')), 'all together have one');

-- When it is renewed.
select count(_wedding_dbopt.fit_load('2001-03-25 18:00Z')) from generate_series(1, 10) \g /dev/null
select is((select max(fitted_at) from _wedding_dbopt.load_fit), timestamptz '2001-03-25 06:00Z', 'it is not renewed within a day');
select count(_wedding_dbopt.fit_load('2001-03-26 06:00Z')) from generate_series(1, 10) \g /dev/null
select is((select max(fitted_at) from _wedding_dbopt.load_fit), timestamptz '2001-03-26 06:00Z', 'but daily');

select count(_wedding_dbopt.fit_load('2001-04-10 06:00Z')) from generate_series(1, 10) \g /dev/null
select ok(seasons = '{wedding}' and calls between 2 * 51000 and 6 * 51000 and high / low >= 3, 'a season not seen yet is the calendar''s prior, and uncertain')
from wedding_dbopt.get_forecast('booking', at => '2001-04-10 06:00Z') where since = '2001-05-01 22:00Z';

select throws_ok($$select * from wedding_dbopt.get_forecast('bookings')$$, '22023', 'unknown context ''bookings''', 'a context must be one');
select throws_ok($$select * from wedding_dbopt.get_forecast(ahead => '1 year')$$, '22023', 'ahead must lie between nothing and 28 days', 'four weeks at most');
select throws_ok($$select * from wedding_dbopt.get_forecast(step => 'week')$$, '22023', 'unknown step ''week''', 'hours or days');
select * from finish();
rollback;
