-- For the few statements that were found to be the dearest: a place is looked up in each array, which is in the order of ids, and
-- nothing is unpacked. Of many statements, summing all is cheaper.
create or replace function _wedding_dbopt.statement_work(ids integer[], since timestamptz, until timestamptz)
returns table (statement_id integer, exec_sq float8, rows bigint, hit bigint, read bigint)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
set jit = off as $$
#variable_conflict use_column
declare
  part record;
begin
  if cardinality(statement_work.ids) > 200 then
    return query
    select s.statement_id, s.exec_sq, s.rows, s.hit, s.read
    from _wedding_dbopt.statement_sum(statement_work.since, statement_work.until) s
    where (s.statement_id in (select unnest(statement_work.ids))) is true;
    return;
  end if;
  select * into part from _wedding_dbopt.window_parts(statement_work.since, statement_work.until);
  return query
  with wanted as materialized (
    select id, _wedding_dbopt.chunk_of(id) as chunk from unnest(statement_work.ids) as id
  ), packed as (
    select h.ids, h.exec_sq, h.rows, h.hit, h.read, w.id
    from wanted w join _wedding_dbopt.statement_hour h on h.chunk = w.chunk and h.hour = any (part.hours)
    union all
    select d.ids, d.exec_sq, d.rows, d.hit, d.read, w.id
    from wanted w join _wedding_dbopt.statement_day d on d.chunk = w.chunk and d.day = any (part.days)
    union all
    select r.ids, r.exec_sq, r.rows, r.hit, r.read, w.id
    from wanted w join _wedding_dbopt.recent_statements(statement_work.since, statement_work.until) r on r.chunk = w.chunk and part.recent is not null
  )
  select u.id, sum(u.exec_sq), coalesce(sum(u.rows), 0)::bigint, coalesce(sum(u.hit), 0)::bigint, coalesce(sum(u.read), 0)::bigint
  from (
    select place.id, s.exec_sq[place.at]::float8 as exec_sq, s.rows[place.at]::float8 as rows, s.hit[place.at]::float8 as hit, s.read[place.at]::float8 as read
    from (select array_cat(s.ids, '{}') as ids, s.exec_sq, s.rows, s.hit, s.read  -- uncompressed once, not for each id
          from _wedding_dbopt.statement_sample s
          where s.at > statement_work.since and s.at <= statement_work.until
            and date_trunc('hour', s.at - interval '1 microsecond', 'UTC') <> all (part.hours)
            and not s.at <@ any (part.raw_days)
            and (part.recent is null or not s.at <@ part.recent)
          offset 0) s
    cross join lateral (select w.id, width_bucket(w.id, s.ids) as at from wanted w offset 0) place
    where s.ids[place.at] = place.id
    union all
    select p.id, p.exec_sq[place.at]::float8, p.rows[place.at]::float8, p.hit[place.at]::float8, p.read[place.at]::float8
    from packed p
    cross join lateral (select array_position(p.ids, p.id) as at offset 0) place
    where place.at is not null) u
  group by u.id;
end $$;
comment on function _wedding_dbopt.statement_work(integer[], timestamptz, timestamptz) is
  'Squares of milliseconds, rows, and blocks found in the cache and read, of some statements in a window, as statement_sum() has them.';
