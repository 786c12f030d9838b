begin;
select plan(31);
create function pg_temp.window(at timestamptz) returns jsonb language sql as $$ select wedding_dbopt.get_work_window(at) $$;
create function pg_temp.kinds(at timestamptz) returns text language sql as $$
  select coalesce(string_agg(r ->> 'kind', ' ' order by r ->> 'kind'), 'free') from jsonb_array_elements(wedding_dbopt.get_work_window(at) -> 'reasons') r $$;
create function pg_temp.setting(name text, value text) returns void language sql as $$
  update _wedding_dbopt.setting s set value = setting.value where s.name = setting.name $$;
select pg_temp.setting('time_zone', 'Europe/Berlin');

-- Freezes. 14 July 2001 was a Saturday in the season, 7 April 2001 one outside.
select is(pg_temp.kinds('2001-07-12 12:00Z'), 'free', 'a Thursday of the season is free');
select is(pg_temp.window('2001-07-12 12:00Z') -> 'next_at', to_jsonb(timestamptz '2001-07-12 12:00Z'), 'so work may begin now');
select is(pg_temp.kinds('2001-07-14 12:00Z'), 'freeze', 'a Saturday of the season is frozen');
select is(pg_temp.kinds('2001-04-07 12:00Z'), 'free', 'a Saturday outside is not');
select is(pg_temp.kinds('2001-07-13 22:00Z'), 'freeze', 'Saturday begins at local midnight');
select is(pg_temp.kinds('2001-07-13 21:59Z'), 'free', 'not a minute before');
select is(pg_temp.kinds('2001-07-14 22:00Z'), 'free', 'and ends at local midnight');
select is((pg_temp.window('2001-07-14 12:00Z') ->> 'next_at')::timestamptz, timestamptz '2001-07-14 22:00Z', 'which is when work may begin next');
select is((pg_temp.window('2001-10-27 12:00Z') #>> '{reasons,0,until}')::timestamptz, timestamptz '2001-10-27 22:00Z',
  'on the eve of the change of clocks too');

select lives_ok($$ select wedding_dbopt.declare_freeze('gala', '2001-07-10 08:00Z', '2001-07-12 20:00Z', reason => 'the gala') $$, 'a span is declared');
select is(pg_temp.kinds('2001-07-12 12:00Z'), 'freeze', 'and keeps heavy work away');
select lives_ok($$ select wedding_dbopt.declare_freeze('sunday mornings', weekday => 7, from_time => '06:00', until_time => '12:00') $$, 'hours of a weekday are declared');
select is(array[pg_temp.kinds('2001-04-08 03:59Z'), pg_temp.kinds('2001-04-08 04:00Z'), pg_temp.kinds('2001-04-08 10:00Z')], '{free,freeze,free}', 'they are local hours');
select is(array[pg_temp.kinds('2001-01-07 05:00Z'), pg_temp.kinds('2001-01-07 04:59Z')], '{freeze,free}', 'in winter too');
select lives_ok($$ select wedding_dbopt.remove_freeze('gala'); select wedding_dbopt.remove_freeze('sunday mornings'); select wedding_dbopt.remove_freeze('saturdays') $$, 'all are removed');
select is(array[pg_temp.kinds('2001-07-12 12:00Z'), pg_temp.kinds('2001-07-14 12:00Z')], '{free,free}', 'and none is in force');

-- The learned profile: quiet nights until 6, a peak from 18 to 22, Monday to Sunday.
insert into _wedding_dbopt.load_profile (context, hour_of_week, factor, low, high, hours)
select 'all', h, f, 0.9 * f, 1.1 * f, 6
from generate_series(0, 167) h cross join lateral (select case when h % 24 < 6 then 0.3 when h % 24 between 18 and 21 then 2.1 else 1.0 end) p(f);
select is(array[pg_temp.kinds('2001-04-04 01:00Z'), pg_temp.kinds('2001-04-04 17:00Z'), pg_temp.kinds('2001-04-04 08:00Z')], '{free,peak_hour,busy_hour}',
  'the profile tells quiet, peak and busy hours, in local time (S3)');
select is((pg_temp.window('2001-04-04 17:00Z') ->> 'next_at')::timestamptz, timestamptz '2001-04-04 22:00Z', 'the next quiet hour is named');
select is((pg_temp.window('2001-03-24 17:00Z') ->> 'next_at')::timestamptz, timestamptz '2001-03-24 23:00Z', 'by the local clock of that night (S5)');
select is(pg_temp.window('2001-04-04 17:00Z') #> '{quiet_windows,0}', '{"weekday": 1, "from": "00:00", "until": "06:00"}', 'the quiet windows are listed');
select wedding_dbopt.declare_freeze('night', '2001-04-04 21:00Z', '2001-04-05 21:00Z');
select is((pg_temp.window('2001-04-04 17:00Z') ->> 'next_at')::timestamptz, timestamptz '2001-04-05 22:00Z', 'a freeze over the next quiet window moves it');
select is(wedding_dbopt.remove_freeze('night') ->> 'success', 'true', 'without it');
update _wedding_dbopt.load_profile set factor = 1;
select is(pg_temp.kinds('2001-04-04 17:00Z'), 'free', 'a flat profile bars nothing');
delete from _wedding_dbopt.load_profile;

-- Load, disk, surge.
insert into _wedding_dbopt.system_sample (at, cpu_percent, disk_total, disk_free)
select '2001-04-04 12:00Z'::timestamptz - n * interval '1 minute', 95, 1000, 900 from generate_series(0, 20) n;
select is(array[pg_temp.kinds('2001-04-04 12:00Z'), pg_temp.kinds('2001-04-04 11:50Z')], '{load,free}', 'a busy half hour, once half of it was seen (T4)');
update _wedding_dbopt.system_sample set cpu_percent = 20, disk_free = 50;
select is(pg_temp.kinds('2001-04-04 12:00Z'), 'disk', 'a short disk (T4)');
delete from _wedding_dbopt.system_sample;
insert into _wedding_dbopt.surge (context, began_at, detected_at, factor, usual, basis) values ('booking', '2001-04-04 11:50Z', '2001-04-04 11:52Z', 9.6, 100, 'profile');
select is(pg_temp.kinds('2001-04-04 12:00Z'), 'surge', 'a surge (T4)');
select is((pg_temp.window('2001-04-04 12:00Z') ->> 'next_at')::timestamptz, timestamptz '2001-04-04 12:05Z', 'is asked about again after the usual delay');

-- An emergency: a critical context misses its objective.
insert into _wedding_dbopt.statement (id, queryid, dbid, userid, toplevel, first_seen, kind, tables, context, criticality, classified_at) overriding system value
values (70001, 70001, (select d.oid from pg_database d where d.datname = current_database()), 10, true, '2001-04-01Z', 'select', '{public.bookings}', 'booking', 'critical', '2001-04-01Z');
insert into _wedding_dbopt.context_sample (at, previous_at, context, calls, exec_ms, exec_sq, rows, hit, read, above, above_low, above_high)
values ('2001-04-04 11:59Z', '2001-04-04 11:58Z', 'booking', 1000, 100000, 1e8, 1, 1, 1, 300, 250, 350);
select is(pg_temp.window('2001-04-04 12:00Z') -> 'allowed_for', '["booking"]', 'an action that mends it may begin in spite of the surge');
insert into _wedding_dbopt.action (id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality, estimated_bytes, created_at)
  overriding system value
select 70000 + n, 'index_creation', 'approved', 'public', 'none', 'i' || n, '', '{}', '{}', '', context, 'critical', bytes, '2001-04-04Z'
from (values (1, 'booking', 9000000), (2, 'timeline', 9000000), (3, 'timeline', 7000000)) a (n, context, bytes);
select is(array(select d.allowed from generate_series(70001, 70003) a cross join lateral _wedding_dbopt.work_decision(a, '2001-04-04 12:00Z') d order by a), '{t,f,t}',
  'the action for bookings and a light one, not a heavy one for timelines');
select matches((select d.reason from _wedding_dbopt.work_decision(70001, '2001-04-04 12:00Z') d), '^emergency: at least 250 of 1000 calls of booking .* in spite of: booking surges', 'with the reason');
delete from _wedding_dbopt.surge;
insert into _wedding_dbopt.system_sample (at, disk_total, disk_free) values ('2001-04-04 11:59Z', 1000, 50);
update _wedding_dbopt.action set table_name = null where id = 70003;
select is(array(select d.allowed from generate_series(70002, 70003) a cross join lateral _wedding_dbopt.work_decision(a, '2001-04-04 12:00Z') d order by a), '{f,t}',
  'a full disk keeps no parameter from being set');
select * from finish();
rollback;
