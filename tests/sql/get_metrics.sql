begin;
select plan(28);

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality)
select v.queryid, oid, 1, true, '2001-03-01Z', v.context, 'critical'
from pg_database, (values (1, 'booking'), (2, 'payment')) as v(queryid, context) where datname = current_database();
create temporary table ids as
  select array_agg(id order by queryid) as id from _wedding_dbopt.statement where first_seen = '2001-03-01Z';
-- Today's hour against the hour before: bookings +20 % slower and +50 % more; payments the same. A day ago twice as fast.
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, hit, read)
select at + place * interval '5 minutes', at + (place - 1) * interval '5 minutes', true, id, calls, exec_us, '{20000,4000}', hit, '{10,10}'
from ids, generate_series(-5, 6) as place, (values
  (timestamptz '2001-03-20 12:30Z', '{150,40}'::integer[], '{1800000,200000}'::bigint[], '{90,90}'::integer[]),
  ('2001-03-20 11:30Z', '{100,40}', '{1000000,200000}', '{90,90}'),
  ('2001-03-19 12:30Z', '{100,40}', '{600000,200000}', '{10,10}')) as pass(at, calls, exec_us, hit);
select _wedding_dbopt.store_contexts('2001-03-01Z', '2001-03-21Z') \gset
insert into _wedding_dbopt.connection_sample (at, active, idle, idle_in_transaction, waiting, total, max_connections, reserved, avg_age_s)
values ('2001-03-20 12:59Z', 6, 12, 2, 0, 20, 103, 3, 1);
insert into _wedding_dbopt.system_sample (at, cpu_percent, memory_total, memory_available, disk_total, disk_free)
values ('2001-03-20 12:59Z', 25, 1000, 250, null, null);
insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason) values ('2001-03-20 12:59Z', 'disk', '42501', 'permission denied');

create temporary table result as select wedding_dbopt.get_metrics('1h', false, '2001-03-20 13:00Z') as j;
select ok(j ?& '{current,trends,wedding_insights,last_updated}', 'the four parts of the answer') from result;
select ok(j -> 'current' ?& '{timestamp,query_performance,connection_pool,index_utilization,system_resources,wedding_season_indicators}',
  'current is a DatabaseMetrics') from result;
select ok(j #> '{current,query_performance,0}' ?&
  '{query_hash,query_text,avg_duration,total_calls,rows_examined,rows_returned,cache_hit_ratio,wedding_context,business_criticality}',
  'a QueryMetrics has all its fields') from result;
select ok(j #> '{current,connection_pool}' ?&
  '{active_connections,idle_connections,max_connections,waiting_connections,connection_utilization,avg_connection_duration,wedding_season_capacity}',
  'a ConnectionPoolMetrics has all its fields') from result;
select ok(j #> '{current,wedding_season_indicators}' ?&
  '{is_wedding_season,season_multiplier,peak_hours_identified,booking_surge_detected,vendor_search_load,payment_processing_load,capacity_utilization,scale_recommendation}',
  'a SeasonMetrics has all its fields') from result;
select is(j #> '{trends,previous_window,booking,mean_ms_change_percent}', '20.00', 'a planted slowdown of 20 % is reported as such') from result;
select is(j #> '{trends,previous_window,booking,calls_change_percent}', '50.00', 'and 50 % more calls') from result;
select is(j #> '{trends,previous_window,payment,mean_ms_change_percent}', '0.00', 'what did not change, did not') from result;
select is(j #> '{trends,day_ago,booking,mean_ms_change_percent}', '100.00', 'against the same hour a day ago') from result;
select is(j #> '{trends,day_ago,all,cache_hit_change_points}', '40.00', 'cache hits in percentage points') from result;
select is(j #>> '{trends,week_ago,booking,reason}', 'no calls in the window compared with', 'no history, a reason') from result;
select is(j #> '{trends,week_ago,booking,mean_ms_change_percent}', 'null', 'and no figure') from result;
select is(j #> '{current,system_resources,memory_used_percent}', '75.0', 'memory in use') from result;
select is(j #>> '{current,system_resources,disk_free_bytes}', null, 'what could not be read is null') from result;
select is(j #>> '{current,system_resources,reasons,disk}', 'permission denied', 'with its reason') from result;
select is((j ->> 'last_updated')::timestamptz, '2001-03-20 13:00Z', 'the time of the last pass') from result;
select is(j #> '{trends,previous_window,booking,mean_ms_significant}', 'true', 'which is more than chance') from result;
select is(j #> '{trends,previous_window,payment,mean_ms_significant}', 'false', 'and no change is not') from result;
select is(array[j #>> '{trends,previous_window,booking,calls_per_hour}', j #>> '{trends,previous_window,booking,calls_per_hour_before}'], '{1800.00,1200.00}', 'calls are compared per hour') from result;
select is(j #> '{trends,previous_window,booking,calls_significant}', 'true', 'with their significance') from result;
select cmp_ok((j #>> '{trends,previous_window,booking,mean_ms_margin_percent}')::numeric, '>', 0::numeric, 'and margins') from result;
select is(array[j #>> '{trends,year_ago,since}', j #>> '{trends,year_ago,booking,reason}'], array[to_jsonb('2000-03-21 12:00Z'::timestamptz) #>> '{}', 'no calls in the window compared with'],
  'a year ago is the same hour of the same day of the week') from result;
select ok(exists (select from jsonb_array_elements_text(j -> 'wedding_insights') as words where words ~ '^Booking is 20.00 % \(margin [0-9.]+\) slower than in the 1h before: 12.00 ms, was 10.00 ms.$'),
  'the change in plain words') from result;
select ok(j ->> 'wedding_insights' not like '%Payment is%', 'only what changed') from result;
select ok(j ->> 'wedding_insights' not like '%season''s load%', 'no season talk without season_mode') from result;
select ok(wedding_dbopt.get_metrics('1h', true, '2001-03-20 13:00Z') -> 'wedding_insights' ?
  'At the season''s load (4.00 times today''s) 80 connections are needed, 100 are usable: enough.', 'season mode looks at the season');
select is(wedding_dbopt.get_metrics('30d', false, '2001-03-20 13:00Z') #>> '{trends,day_ago,reason}',
  'the window is longer than the step back, the two would overlap', 'overlapping windows are not compared');
select throws_ok($$select wedding_dbopt.get_metrics('2h')$$, '22023', 'unknown time_range ''2h''', 'an unknown range is refused');
select * from finish();
rollback;
