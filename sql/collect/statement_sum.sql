-- Sums are made in float8, numeric would be slow. Each array that is unnested costs: who needs times only asks statement_time(),
-- who needs the rest of a few statements statement_work().
create or replace function _wedding_dbopt.statement_sum(since timestamptz, until timestamptz)
returns table (statement_id integer, calls bigint, exec_ms float8, exec_sq float8, rows bigint, hit bigint, read bigint,
  temp_written bigint, wal_bytes bigint)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
set jit = off
set work_mem = '16MB' as $$
#variable_conflict use_column
declare
  part record;
begin
  select * into part from _wedding_dbopt.window_parts(statement_sum.since, statement_sum.until);
  return query
  select p.id, sum(p.calls)::bigint, sum(p.exec_us) / 1000, sum(p.exec_sq), coalesce(sum(p.rows), 0)::bigint,
    coalesce(sum(p.hit), 0)::bigint, coalesce(sum(p.read), 0)::bigint, coalesce(sum(p.temp_written), 0)::bigint,
    coalesce(sum(p.wal_bytes), 0)::bigint
  from (
    select d.id, d.calls::float8 as calls, d.exec_us::float8 as exec_us, d.exec_sq::float8 as exec_sq, d.rows::float8 as rows,
      d.hit::float8 as hit, d.read::float8 as read, d.temp_written::float8 as temp_written, d.wal_bytes::float8 as wal_bytes
    from (select unnest(s.ids) as id, unnest(s.calls) as calls, unnest(s.exec_us) as exec_us, unnest(s.exec_sq) as exec_sq,
            unnest(s.rows) as rows, unnest(s.hit) as hit, unnest(s.read) as read, unnest(s.temp_written) as temp_written,
            unnest(s.wal_bytes) as wal_bytes
          from _wedding_dbopt.statement_sample s
          where s.at > statement_sum.since and s.at <= statement_sum.until
            and date_trunc('hour', s.at - interval '1 microsecond', 'UTC') <> all (part.hours)
            and not s.at <@ any (part.raw_days)
            and (part.recent is null or not s.at <@ part.recent)) d
    union all
    select h.id, h.calls::float8, h.exec_us::float8, h.exec_sq::float8, h.rows::float8, h.hit::float8, h.read::float8,
      h.temp_written::float8, h.wal_bytes::float8
    from (select unnest(r.ids) as id, unnest(r.calls) as calls, unnest(r.exec_us) as exec_us, unnest(r.exec_sq) as exec_sq,
            unnest(r.rows) as rows, unnest(r.hit) as hit, unnest(r.read) as read, unnest(r.temp_written) as temp_written,
            unnest(r.wal_bytes) as wal_bytes
          from (select h.ids, h.calls, h.exec_us, h.exec_sq, h.rows, h.hit, h.read, h.temp_written, h.wal_bytes
                from _wedding_dbopt.statement_hour h where h.hour = any (part.hours)
                union all
                select d.ids, d.calls, d.exec_us, d.exec_sq, d.rows, d.hit, d.read, d.temp_written, d.wal_bytes
                from _wedding_dbopt.statement_day d where d.day = any (part.days)
                union all
                select s.ids, s.calls, s.exec_us, s.exec_sq, s.rows, s.hit, s.read, s.temp_written, s.wal_bytes
                from _wedding_dbopt.recent_statements(statement_sum.since, statement_sum.until) s where part.recent is not null) r) h
  ) p
  group by p.id;
end $$;
comment on function _wedding_dbopt.statement_sum(timestamptz, timestamptz) is
  'What each statement did in a window, from raw samples and from the hourly and daily roll-ups, nothing counted twice.';
