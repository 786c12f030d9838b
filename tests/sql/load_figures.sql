begin;
select plan(17);

-- Sixteen hours of three statements that come and go, a pass each five minutes.
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context)
select v.queryid, oid, 10, true, '2001-03-01Z', v.context
from pg_database, (values (-1, 'booking'), (-2, 'payment'), (-3, null), (-4, 'booking')) as v(queryid, context) where datname = current_database();
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, own) values (-5, 1, 10, true, '2001-03-01Z', true);
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows, hit, read, wal_bytes)
select pass.at, pass.at - interval '5 minutes', true, array_agg(s.id order by s.id), array_agg(n.calls order by s.id), array_agg(n.calls * 900 + n.noise order by s.id),
       array_agg(n.calls * n.calls / 7.0 order by s.id), array_agg(n.calls % 5 order by s.id), array_agg(n.calls * 3 order by s.id), array_agg(n.noise order by s.id),
       array_agg(n.noise::bigint order by s.id)
from generate_series(timestamptz '2001-03-20 00:05Z', '2001-03-20 16:00Z', '5 minutes') with ordinality as pass(at, number)
cross join (select * from _wedding_dbopt.statement where first_seen = '2001-03-01Z') as s
cross join lateral (select (3 + (pass.number * 7 - s.queryid * 13) % 11 + pass.number / 40)::integer as calls, ((pass.number * 31 - s.queryid) % 17)::integer as noise) as n
where (pass.number - s.queryid) % 9 <> 0
group by pass.at;

-- Each slice of the window summed by itself.
create function pg_temp.by_slices(since timestamptz, until timestamptz, width interval)
returns table(statement_id integer, context text, calls bigint, exec_ms float8, exec_sq float8, rows bigint, hit bigint,
  read bigint, temp_written bigint, wal_bytes bigint, rate_error float8, mean_error float8, blocks_error float8,
  slices float8, rate_slices float8) language sql stable as $$
  with slice as materialized (
    select bound.since, bound.until, extract(epoch from bound.until - bound.since)::float8 / 3600 as hours
    from generate_series(date_bin(width, by_slices.since, '2001-01-01Z'), by_slices.until, width) as begun
    cross join lateral (
      select greatest(begun, by_slices.since) as since, least(begun + width, by_slices.until) as until) as bound
    where bound.since < bound.until
  ), clock as (
    select sum(slice.hours) as hours, sum(slice.hours * slice.hours) as squared, count(*) as slices from slice
  ), used as materialized (
    select slice.since, slice.hours, s.*
    from slice cross join lateral _wedding_dbopt.statement_sum(slice.since, slice.until) as s
    where s.calls > 0
  ), known as materialized (
    select statement.id, coalesce(statement.context, 'other') as context from _wedding_dbopt.statement
    where not statement.own and statement.dbid = (select oid from pg_database where datname = current_database())
  ), of_statement as (
    select used.statement_id, null::text as context, used.since, used.hours, used.calls::float8 as calls, used.exec_ms, used.exec_sq,
           used.rows::float8 as rows, used.hit::float8 as hit, used.read::float8 as read, used.temp_written::float8 as temp_written,
           used.wal_bytes::float8 as wal_bytes
    from used where used.statement_id in (select known.id from known)
  ), of_context as materialized (
    select null::integer as statement_id, known.context, used.since, used.hours, sum(used.calls::float8) as calls, sum(used.exec_ms) as exec_ms,
           sum(used.exec_sq) as exec_sq, sum(used.rows::float8) as rows, sum(used.hit::float8) as hit, sum(used.read::float8) as read,
           sum(used.temp_written::float8) as temp_written, sum(used.wal_bytes::float8) as wal_bytes
    from used join known on known.id = used.statement_id
    group by known.context, used.since, used.hours
  ), whole as (
    select null::integer as statement_id, 'all' as context, c.since, c.hours, sum(c.calls) as calls, sum(c.exec_ms) as exec_ms,
           sum(c.exec_sq) as exec_sq, sum(c.rows) as rows, sum(c.hit) as hit, sum(c.read) as read,
           sum(c.temp_written) as temp_written, sum(c.wal_bytes) as wal_bytes
    from of_context as c
    group by c.since, c.hours
  ), summed as (
    select unit.statement_id, unit.context, count(*) as n, sum(unit.calls) as calls, sum(unit.exec_ms) as exec_ms,
           sum(unit.exec_sq) as exec_sq, sum(unit.rows) as rows, sum(unit.hit) as hit, sum(unit.read) as read,
           sum(unit.temp_written) as temp_written, sum(unit.wal_bytes) as wal_bytes,
           sum(unit.calls * unit.hours) as calls_hours, sum(unit.calls * unit.calls) as calls_squared,
           sum(unit.exec_ms * unit.calls) as exec_calls, sum(unit.exec_ms * unit.exec_ms) as exec_squared,
           sum((unit.hit + unit.read) * unit.calls) as blocks_calls, sum((unit.hit + unit.read) * (unit.hit + unit.read)) as blocks_squared
    from (select * from of_statement union all select * from of_context union all select * from whole) as unit
    group by unit.statement_id, unit.context
  ), ratio as (
    select summed.*, summed.calls / clock.hours as rate, summed.exec_ms / summed.calls as mean,
           (summed.hit + summed.read) / summed.calls as blocks, clock.hours, clock.squared, clock.slices as cut
    from summed cross join clock
  )
  select ratio.statement_id, ratio.context, ratio.calls::bigint, ratio.exec_ms, ratio.exec_sq, ratio.rows::bigint,
         ratio.hit::bigint, ratio.read::bigint, ratio.temp_written::bigint, ratio.wal_bytes::bigint,
         greatest(sqrt(greatest(ratio.calls_squared - 2 * ratio.rate * ratio.calls_hours + ratio.rate * ratio.rate * ratio.squared, 0)
           * ratio.cut / nullif(ratio.cut - 1, 0)), sqrt(ratio.calls)) / ratio.hours,
         greatest(sqrt(greatest(ratio.exec_squared - 2 * ratio.mean * ratio.exec_calls + ratio.mean * ratio.mean * ratio.calls_squared, 0)
           * ratio.n / nullif(ratio.n - 1, 0)), sqrt(greatest(ratio.exec_sq - ratio.mean * ratio.exec_ms, 0))) / ratio.calls,
         coalesce(sqrt(greatest(ratio.blocks_squared - 2 * ratio.blocks * ratio.blocks_calls + ratio.blocks * ratio.blocks * ratio.calls_squared, 0)
           * ratio.n / nullif(ratio.n - 1, 0)), 0) / ratio.calls,
         ratio.calls * ratio.calls / ratio.calls_squared, ratio.hours * ratio.hours / ratio.squared
  from ratio
$$;
create function pg_temp.differences(since timestamptz, until timestamptz, width interval) returns bigint language sql stable as $$
  select count(*)
  from pg_temp.by_slices(since, until, width) as told
  full join _wedding_dbopt.load_figures(since, until) as found
    on coalesce(found.statement_id, 0) = coalesce(told.statement_id, 0) and coalesce(found.context, '') = coalesce(told.context, '')
  where (told.calls, told.rows, told.hit, told.read, told.temp_written, told.wal_bytes) is distinct from (found.calls, found.rows, found.hit, found.read, found.temp_written, found.wal_bytes)
     or exists (select from (values (told.exec_ms, found.exec_ms), (told.exec_sq, found.exec_sq), (told.rate_error, found.rate_error), (told.mean_error, found.mean_error),
                  (told.blocks_error, found.blocks_error), (told.slices, found.slices), (told.rate_slices, found.rate_slices)) as pair(one, other)
                where abs(pair.one - pair.other) > 1e-6 * abs(pair.one) or (pair.one is null) <> (pair.other is null))
$$;
-- What statement_time(), and statement_work() of some and of so many that it sums all, have beside statement_sum(), from the same sources.
create function pg_temp.other_work(since timestamptz, until timestamptz, asked integer[]) returns bigint language sql stable as $$
  select count(*)
  from (select * from _wedding_dbopt.statement_sum(since, until) where statement_id = any (asked)) as told
  full join _wedding_dbopt.statement_work(asked, since, until) as found on found.statement_id = told.statement_id
  where (found.rows, found.hit, found.read) is distinct from (told.rows, told.hit, told.read) or coalesce(abs(found.exec_sq - told.exec_sq) > 1e-9 * told.exec_sq, true)
$$;
create function pg_temp.other_parts(since timestamptz, until timestamptz) returns bigint language sql stable as $$
  select count(*) + pg_temp.other_work(since, until, array(select id from _wedding_dbopt.statement where queryid in (-1, -4, -5) and first_seen = '2001-03-01Z'))
    + pg_temp.other_work(since, until, array(select id from _wedding_dbopt.statement where queryid in (-2, -3) and first_seen = '2001-03-01Z' union all select generate_series(-200, 0)))
  from _wedding_dbopt.statement_sum(since, until) as told
  full join _wedding_dbopt.statement_time(since, until, true) as found on found.statement_id = told.statement_id
  where found.calls is distinct from told.calls
     or coalesce(abs(found.exec_ms - told.exec_ms) > 1e-9 * told.exec_ms or abs(found.exec_sq - told.exec_sq) > 1e-9 * told.exec_sq, true)
$$;

select is((select count(*) from _wedding_dbopt.load_figures('2001-03-20 04:00Z', '2001-03-20 16:00Z') where statement_id is null), 4::bigint, 'contexts, the rest and all together');
select is((select count(*) from _wedding_dbopt.load_figures('2001-03-20 04:00Z', '2001-03-20 16:00Z') where statement_id is not null), 4::bigint, 'each statement but our own');
select is(pg_temp.differences('2001-03-20 04:00Z', '2001-03-20 16:00Z', '1 hour'), 0::bigint, 'hours from raw samples are those of slices summed one by one');
select is(pg_temp.differences('2001-03-20 01:17Z', '2001-03-20 15:52Z', '2 hours'), 0::bigint, 'also with cut hours at both ends');
select is(pg_temp.differences('2001-03-20 14:58Z', '2001-03-20 15:52Z', '5 minutes'), 0::bigint, 'and slices shorter than an hour');
select is(pg_temp.other_parts('2001-03-20 01:17Z', '2001-03-20 15:52Z'), 0::bigint, 'times alone, and the work of some, are those of the whole sum from raw samples');
select _wedding_dbopt.roll_up_hours('2001-03-20 15:30Z') \g /dev/null
select is(pg_temp.differences('2001-03-20 04:00Z', '2001-03-20 16:00Z', '1 hour'), 0::bigint, 'from roll-ups and raw samples');
select is(pg_temp.differences('2001-03-20 01:17Z', '2001-03-20 15:52Z', '2 hours'), 0::bigint, 'in one slice too');
select is(pg_temp.differences('2001-03-20 14:58Z', '2001-03-20 15:52Z', '5 minutes'), 0::bigint, 'raw samples where a slice is shorter than an hour');
select is(pg_temp.other_parts('2001-03-20 01:17Z', '2001-03-20 15:52Z'), 0::bigint, 'times alone, and the work of some, are those of the whole sum from roll-ups and raw samples');
delete from _wedding_dbopt.statement_sample where at <= '2001-03-20 14:00Z';
select is(pg_temp.differences('2001-03-20 04:00Z', '2001-03-20 16:00Z', '1 hour'), 0::bigint, 'and when the first samples are gone');
select is(pg_temp.differences('2001-03-20 12:30Z', '2001-03-20 15:52Z', '15 minutes'), 0::bigint, 'an hour whose samples are gone counts where it begins');
select is(pg_temp.other_parts('2001-03-20 01:17Z', '2001-03-20 15:52Z'), 0::bigint, 'times alone, and the work of some, are those of the whole sum where the first samples are gone');
select _wedding_dbopt.roll_up_hours('2001-03-20 16:30Z') \g /dev/null
select _wedding_dbopt.roll_up_days('2001-03-21 01:00Z') \g /dev/null
select is(pg_temp.differences('2001-03-18 03:00Z', '2001-03-29 12:00Z', '1 day'), 0::bigint, 'a day comes from its roll-up');
select is(pg_temp.other_parts('2001-03-18 03:00Z', '2001-03-29 12:00Z'), 0::bigint, 'times alone, and the work of some, are those of the whole sum from the roll-up of a day');
delete from _wedding_dbopt.statement_hour where hour < '2002-01-01Z';
delete from _wedding_dbopt.rolled_hour where hour < '2002-01-01Z';
select is(pg_temp.differences('2001-03-18 03:00Z', '2001-03-29 12:00Z', '1 day'), 0::bigint, 'also when its hours are gone');
select is(pg_temp.other_parts('2001-03-18 03:00Z', '2001-03-29 12:00Z'), 0::bigint, 'times alone, and the work of some, are those of the whole sum where its hours are gone');
select * from finish();
rollback;
