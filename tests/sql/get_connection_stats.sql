begin;
select plan(11);

select cmp_ok(total, '>=', 1, 'live: at least this session') from wedding_dbopt.get_connection_stats();
select cmp_ok(active, '>=', 1, 'live: this session is active') from wedding_dbopt.get_connection_stats();
select is(usable, max - current_setting('superuser_reserved_connections')::integer, 'the superusers'' share is not usable')
  from wedding_dbopt.get_connection_stats();
select is(max, max_connections, 'the seed''s names and ours agree') from wedding_dbopt.get_connection_stats();
select cmp_ok(avg_duration, '>', 0.0, 'an age in milliseconds') from wedding_dbopt.get_connection_stats();

insert into _wedding_dbopt.connection_sample
  (at, active, idle, idle_in_transaction, waiting, total, max_connections, reserved, avg_age_s)
values ('2001-03-15 12:00Z', 6, 12, 2, 3, 20, 103, 3, 1.5), ('2001-07-15 12:00Z', 6, 12, 2, 3, 20, 103, 3, 1.5);
select results_eq(
  $$select active, idle, max, waiting, avg_duration, idle_in_transaction, total, usable from wedding_dbopt.get_connection_stats('2001-03-15 12:01Z')$$,
  $$values (6, 12, 103, 3, 1500.0, 2, 20, 100)$$, 'a time that is over comes from its sample');
select is(connection_utilization, 20.0, '20 of 100 usable') from wedding_dbopt.get_connection_stats('2001-03-15 12:01Z');
select is(wedding_season_capacity, 20.0, 'off season: 100 less 4 times 20') from wedding_dbopt.get_connection_stats('2001-03-15 12:01Z');
select is(wedding_season_capacity, 80.0, 'in season the use is already the season''s') from wedding_dbopt.get_connection_stats('2001-07-15 12:01Z');
select is(sampled_at, '2001-03-15 12:00Z', 'the time of the sample is told') from wedding_dbopt.get_connection_stats('2001-03-15 12:01Z');
select ok(total is null and connection_utilization is null, 'no sample, no figure, never NaN')
  from wedding_dbopt.get_connection_stats('2001-03-15 15:00Z');
select * from finish();
rollback;
