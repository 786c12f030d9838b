-- Calls of one minute share its load, so a mean over a million of them is less certain than a million would suggest. The
-- window is cut into slices, and a standard error comes from how the slices differ (linearised ratio), at least from how
-- the calls differ. slices counts them by weight (Kish): a statement with all its calls in one slice has one. What needs no
-- slices is summed over the whole window, where the roll-up of a day serves. Statements are taken chunk by chunk: what is summed
-- at a time stays in the processor's cache, which halves the cost; so the raw samples at the edges are packed as the roll-ups are.
-- Sizes of results of functions and of unnested arrays cannot be estimated, so the plan is steered: everything else is hashed.
create or replace function _wedding_dbopt.load_figures(since timestamptz, until timestamptz)
returns table(statement_id integer, context text, calls bigint, exec_ms float8, exec_sq float8, rows bigint, hit bigint,
  read bigint, temp_written bigint, wal_bytes bigint, rate_error float8, mean_error float8, blocks_error float8,
  slices float8, rate_slices float8)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off set work_mem = '32MB'
set enable_mergejoin = off set enable_sort = off set enable_nestloop = off as $$
#variable_conflict use_column
declare
  width constant interval := (
    select min(step.width)
    from unnest(array['5 minutes', '15 minutes', '1 hour', '2 hours', '6 hours', '12 hours', '1 day', '3 days', '7 days']::interval[]) as step(width)
    where load_figures.until - load_figures.since <= 14 * step.width);
  names       constant text[] := array(select c.context from _wedding_dbopt.contexts() c order by c.place);  -- 'other' is the last
  first_slice constant timestamptz := date_bin(width, load_figures.since, '2001-01-01Z');
  last_slice  constant timestamptz := date_bin(width, load_figures.until - interval '1 microsecond', '2001-01-01Z');
  full_hours  constant float8 := extract(epoch from width) / 3600;
  first_hours constant float8 := extract(epoch from least(first_slice + width, load_figures.until) - load_figures.since) / 3600;
  last_hours  constant float8 := extract(epoch from load_figures.until - greatest(last_slice, load_figures.since)) / 3600;
  part record;
begin
  select * into part from _wedding_dbopt.window_parts(load_figures.since, load_figures.until, width);
  return query
  with slice as materialized (
    select extract(epoch from least(begun + width, load_figures.until) - greatest(begun, load_figures.since))::float8 / 3600 as hours
    from generate_series(first_slice, load_figures.until, width) as begun
    where begun < load_figures.until
  ), clock as (
    select sum(slice.hours) as hours, sum(slice.hours * slice.hours) as squared, count(*) as slices from slice
  ), known as materialized (
    select statement.id, coalesce(array_position(names, statement.context), cardinality(names)) as place from _wedding_dbopt.statement
    where not statement.own and statement.dbid = (select oid from pg_database where datname = current_database())
  ), whole as materialized (
    select w.statement_id as id, known.place, w.exec_sq, w.rows::float8 as rows, w.hit::float8 as hit, w.read::float8 as read,
           w.temp_written::float8 as temp_written, w.wal_bytes::float8 as wal_bytes
    from _wedding_dbopt.statement_sum(load_figures.since, load_figures.until) as w join known on known.id = w.statement_id
    where w.calls > 0
  ), raw as materialized (
    select _wedding_dbopt.chunk_of(s.id) as chunk, s.slice, array_agg(s.id) as ids, array_agg(s.calls) as calls, array_agg(s.exec_us) as exec_us, array_agg(s.blocks) as blocks
    from (select s.slice, s.id, sum(s.calls) as calls, sum(s.exec_us::float8)::bigint as exec_us, coalesce(sum(s.hit), 0) + coalesce(sum(s.read), 0) as blocks
          from (select date_bin(width, s.at - interval '1 microsecond', '2001-01-01Z') as slice, unnest(s.ids) as id, unnest(s.calls) as calls,
                       unnest(s.exec_us) as exec_us, unnest(s.hit) as hit, unnest(s.read) as read
                from _wedding_dbopt.statement_sample as s
                where s.at > load_figures.since and s.at <= load_figures.until
                  and date_trunc('hour', s.at - interval '1 microsecond', 'UTC') <> all (part.hours)
                  and not s.at <@ any (part.raw_days)) as s
          group by s.slice, s.id) as s  -- of many passes one slice
    group by 1, 2
  ), chunk as (
    -- The place of each statement's context by the statement's place in its chunk; 0 = it does not count.
    select c.chunk, array_agg(coalesce(known.place, 0)::smallint order by c.id) as places
    from (select c.chunk, generate_series(128 * c.chunk, 128 * c.chunk + 127) as id
          from (select distinct _wedding_dbopt.chunk_of(known.id) as chunk from known) as c) as c
    left join known on known.id = c.id
    group by c.chunk
  ), used as materialized (
    select unit.*
    from chunk
    cross join lateral (
      select s.id, s.place, s.slice, s.hours, count(*) as n, sum(s.calls) as calls, sum(s.exec_ms) as exec_ms, sum(s.blocks) as blocks,
             sum(s.calls * s.hours) as calls_hours, sum(s.calls * s.calls) as calls_squared,
             sum(s.exec_ms * s.calls) as exec_calls, sum(s.exec_ms * s.exec_ms) as exec_squared,
             sum(s.blocks * s.calls) as blocks_calls, sum(s.blocks * s.blocks) as blocks_squared
      from (
        select p.id, chunk.places[1 + p.id - 128 * chunk.chunk] as place, p.slice,
               case p.slice when first_slice then first_hours when last_slice then last_hours else full_hours end as hours,
               sum(p.calls::float8) as calls, sum(p.exec_us::float8) / 1000 as exec_ms, coalesce(sum(p.hit::float8), 0) + coalesce(sum(p.read::float8), 0) as blocks
        from (select packed.slice, unnest(packed.ids) as id, unnest(packed.calls) as calls, unnest(packed.exec_us) as exec_us,
                     unnest(packed.hit) as hit, unnest(packed.read) as read
              from (select date_bin(width, h.hour, '2001-01-01Z') as slice, h.ids, h.calls, h.exec_us, h.hit, h.read
                    from _wedding_dbopt.statement_hour as h where h.chunk = chunk.chunk and h.hour = any (part.hours)
                    union all
                    select date_bin(width, d.day, '2001-01-01Z'), d.ids, d.calls, d.exec_us, d.hit, d.read
                    from _wedding_dbopt.statement_day as d where d.chunk = chunk.chunk and d.day = any (part.days)
                    union all
                    select r.slice, r.ids, r.calls, r.exec_us, r.blocks, null
                    from raw as r where r.chunk = chunk.chunk) as packed) as p
        group by p.id, p.slice offset 0) as s  -- a fence: the place is looked up for a sum, not for each value in it
      where s.calls > 0 and s.place > 0
      group by grouping sets ((s.id), (s.place, s.slice, s.hours))) as unit
  ), of_context as (
    select c.place, c.slice, c.hours, sum(c.calls) as calls, sum(c.exec_ms) as exec_ms, sum(c.blocks) as blocks
    from used as c where c.id is null group by c.place, c.slice, c.hours
  ), whole_context as (
    select coalesce(whole.place, cardinality(names) + 1) as place, sum(whole.exec_sq) as exec_sq, sum(whole.rows) as rows, sum(whole.hit) as hit,
           sum(whole.read) as read, sum(whole.temp_written) as temp_written, sum(whole.wal_bytes) as wal_bytes
    from whole group by grouping sets ((whole.place), ())
  ), summed as (
    select used.id, null::integer as place, used.n, used.calls, used.exec_ms, used.blocks, used.calls_hours, used.calls_squared, used.exec_calls,
           used.exec_squared, used.blocks_calls, used.blocks_squared, whole.exec_sq, whole.rows, whole.hit, whole.read, whole.temp_written, whole.wal_bytes
    from used join whole on whole.id = used.id
    union all
    select null, unit.*, w.exec_sq, w.rows, w.hit, w.read, w.temp_written, w.wal_bytes
    from (
      select c.place, count(*), sum(c.calls) as calls, sum(c.exec_ms) as exec_ms, sum(c.blocks) as blocks,
             sum(c.calls * c.hours), sum(c.calls * c.calls), sum(c.exec_ms * c.calls), sum(c.exec_ms * c.exec_ms), sum(c.blocks * c.calls), sum(c.blocks * c.blocks)
      from (
        select c.* from of_context as c
        union all
        select cardinality(names) + 1, c.slice, c.hours, sum(c.calls) as calls, sum(c.exec_ms) as exec_ms, sum(c.blocks) as blocks
        from of_context as c group by c.slice, c.hours) as c
      group by c.place) as unit
    join whole_context as w on w.place = unit.place
  ), ratio as (
    select summed.*, summed.calls / clock.hours as rate, summed.exec_ms / summed.calls as mean,
           summed.blocks / summed.calls as per_call, clock.hours, clock.squared, clock.slices as cut
    from summed cross join clock
  )
  select ratio.id, (names || array['all'])[ratio.place], ratio.calls::bigint, ratio.exec_ms, ratio.exec_sq, ratio.rows::bigint,
         ratio.hit::bigint, ratio.read::bigint, ratio.temp_written::bigint, ratio.wal_bytes::bigint,
         greatest(sqrt(greatest(ratio.calls_squared - 2 * ratio.rate * ratio.calls_hours + ratio.rate * ratio.rate * ratio.squared, 0)
           * ratio.cut / nullif(ratio.cut - 1, 0)), sqrt(ratio.calls)) / ratio.hours,
         greatest(sqrt(greatest(ratio.exec_squared - 2 * ratio.mean * ratio.exec_calls + ratio.mean * ratio.mean * ratio.calls_squared, 0)
           * ratio.n / nullif(ratio.n - 1, 0)), sqrt(greatest(ratio.exec_sq - ratio.mean * ratio.exec_ms, 0))) / ratio.calls,
         coalesce(sqrt(greatest(ratio.blocks_squared - 2 * ratio.per_call * ratio.blocks_calls + ratio.per_call * ratio.per_call * ratio.calls_squared, 0)
           * ratio.n / nullif(ratio.n - 1, 0)), 0) / ratio.calls,
         ratio.calls * ratio.calls / ratio.calls_squared, ratio.hours * ratio.hours / ratio.squared
  from ratio;
end $$;
comment on function _wedding_dbopt.load_figures(timestamptz, timestamptz) is
  'The load of a window per statement and, with statement_id null, per context and all together, with standard errors of calls per hour, mean ms and blocks per call.';
