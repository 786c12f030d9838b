-- Calls of one minute share its load, so a mean over a million of them is less certain than a million would suggest. The
-- window is cut into slices, and a standard error comes from how the slices differ (linearised ratio), at least from how
-- the calls differ. slices counts them by weight (Kish): a statement with all its calls in one slice has one. With the usual
-- work_mem the sums over all slices of 5,000 statements go to disk, which takes twice as long. The sizes of results of functions
-- cannot be estimated, so the plan is steered: everything is hashed.
create or replace function _wedding_dbopt.load_figures(since timestamptz, until timestamptz)
returns table(statement_id integer, context text, calls bigint, exec_ms float8, exec_sq float8, rows bigint, hit bigint,
  read bigint, temp_written bigint, wal_bytes bigint, rate_error float8, mean_error float8, blocks_error float8,
  slices float8, rate_slices float8)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off set work_mem = '32MB'
set enable_mergejoin = off set enable_sort = off as $$
#variable_conflict use_column
declare
  width constant interval := (
    select min(step.width)
    from unnest(array['5 minutes', '15 minutes', '1 hour', '2 hours', '6 hours', '12 hours', '1 day', '3 days', '7 days']::interval[]) as step(width)
    where load_figures.until - load_figures.since <= 14 * step.width);
begin
  return query
  with slice as materialized (
    select bound.since, bound.until, extract(epoch from bound.until - bound.since)::float8 / 3600 as hours
    from generate_series(date_bin(width, load_figures.since, '2001-01-01Z'), load_figures.until, width) as begun
    cross join lateral (
      select greatest(begun, load_figures.since) as since, least(begun + width, load_figures.until) as until) as bound
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
  from ratio;
end $$;
comment on function _wedding_dbopt.load_figures(timestamptz, timestamptz) is
  'The load of a window per statement and, with statement_id null, per context and all together, with standard errors of calls per hour, mean ms and blocks per call.';
