begin;
select plan(22);

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, own, context)
select v.queryid, oid, 1, true, '2001-03-01Z', v.queryid = 4, v.context
from pg_database, (values (1, 'booking'), (2, 'vendor_search'), (3, 'payment'), (4, 'other')) as v(queryid, context)
where datname = current_database();
create temporary table ids as
  select array_agg(id order by queryid) as id from _wedding_dbopt.statement where first_seen = '2001-03-01Z';

-- Fourteen days to 2001-03-15 12:00 with peaks at 9 and 20 o'clock; then passes each minute.
insert into _wedding_dbopt.rolled_hour (hour, passes, observed_s, complete)
select hour, 60, 3600, true from generate_series(timestamptz '2001-03-01 12:00Z', '2001-03-15 11:00Z', '1 hour') as hour;
insert into _wedding_dbopt.context_hour (hour, context, calls, exec_ms, exec_sq, rows, hit, read)
select hour, context, case when extract(hour from hour at time zone 'UTC') in (9, 20) then 3000 else 600 end, 600, 600, 0, 0, 0
from generate_series(timestamptz '2001-03-01 12:00Z', '2001-03-15 11:00Z', '1 hour') as hour,
     unnest(array['booking', 'vendor_search', 'payment']) as context;

create function pg_temp.passes(since timestamptz, until timestamptz, bookings integer, searches integer, payments integer) returns void
language sql as $$
  insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
  select at, at - interval '1 minute', true, id, array[bookings, searches, payments, 1], '{1000,1000,1000,1000}', '{1,1,1,1}'
  from ids, generate_series(since, until, interval '1 minute') as at;
  select _wedding_dbopt.store_contexts(since - interval '1 second', until);
  select _wedding_dbopt.sample_surges(at) from generate_series(since, until, interval '1 minute') as at;
$$;
select pg_temp.passes('2001-03-15 12:01Z', '2001-03-15 12:28Z', 10, 12, 40);
insert into _wedding_dbopt.connection_sample (at, active, idle, idle_in_transaction, waiting, total, max_connections, reserved, avg_age_s)
values ('2001-03-15 12:30Z', 6, 12, 2, 0, 30, 103, 3, 1);
insert into _wedding_dbopt.system_sample (at, cpu_percent) values ('2001-03-15 12:30Z', 25);

-- Ten times the bookings, three times the searches, a tenth of the payments.
select pg_temp.passes('2001-03-15 12:29Z', '2001-03-15 12:30Z', 100, 36, 4);
create temporary table surge as select wedding_dbopt.analyze_load_patterns('14 days', '2001-03-15 12:30Z') as j;

select is(j -> 'peak_hours', '[9, 20]', 'planted peaks are found in fourteen days') from surge;
select is(j -> 'peak_hours_identified', '[9, 20]', 'under the seed''s name too') from surge;
select is(j #>> '{basis,confidence}', 'high', 'two weeks are a good basis') from surge;
select is(j #> '{basis,hours_of_data}', '335', 'the whole hours behind it is told') from surge;
select is(j -> 'booking_surge', 'true', 'ten times the bookings is a surge') from surge;
select is(j -> 'booking_surge_detected', 'true', 'under the seed''s name too') from surge;
select is(j #> '{context_load,booking,ratio}', '10.00', 'how many times usual') from surge;
select is(j ->> 'vendor_search_load', 'high', 'three times the searches is high') from surge;
select is(j #> '{context_load,vendor_search,surge}', 'false', 'but 24 more a minute are no surge') from surge;
select is(j ->> 'payment_load', 'low', 'a tenth of the payments is low') from surge;
select is(j -> 'is_wedding_season', 'false', 'March is not in the season') from surge;
select is(j -> 'connection_utilization', '30.00', '30 of 100 connections') from surge;
select is(j -> 'capacity_utilization', '30.00', 'connections are the scarcer resource') from surge;
select is(j #> '{scale_recommendation,connections_needed_at_season}', '120', 'four times 30') from surge;
select is(j #> '{scale_recommendation,connections_missing_at_season}', '20', 'of 100 usable') from surge;
select is(j #> '{scale_recommendation,connections_missing_at_10x}', '200', 'ten times 30 of 100 usable') from surge;
select is(j #> '{scale_recommendation,pool_size_at_season}', '44', 'a pool for four times the 6 active ones and the 2 that hold a transaction: 32 and twice its root') from surge;
select is(j #> '{scale_recommendation,cpu_percent_at_season}', '100.0', 'four times 25 percent') from surge;

-- The evening peak on the next day: as every evening, so no surge.
select pg_temp.passes('2001-03-16 19:00Z', '2001-03-16 20:00Z', 10, 12, 40);
select pg_temp.passes('2001-03-16 20:01Z', '2001-03-16 20:02Z', 50, 50, 50);
select is(wedding_dbopt.analyze_load_patterns('14 days', '2001-03-16 20:02Z') -> 'booking_surge', 'false', 'the daily peak is no surge');

create temporary table stale as select wedding_dbopt.analyze_load_patterns('24 hours', '2001-03-18 12:00Z') as j;
select is(j -> 'booking_surge', 'false', 'without fresh passes nothing is claimed') from stale;
select ok(j ->> 'notes' like '%No collection pass in the last two minutes%', 'and the reason is told') from stale;
select throws_ok($$select wedding_dbopt.analyze_load_patterns('1 minute')$$, '22023', 'time_window must be an hour or more', 'a minute is no pattern');
select * from finish();
rollback;
