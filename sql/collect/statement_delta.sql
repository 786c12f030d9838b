-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.statement_delta(since timestamptz, until timestamptz)
returns table (at timestamptz, previous_at timestamptz, complete boolean, statement_id integer, calls bigint, exec_ms float8,
  exec_sq float8, rows bigint, hit bigint, read bigint, dirtied bigint, written bigint, temp_read bigint,
  temp_written bigint, plan_ms float8, read_ms float8, write_ms float8, wal_bytes bigint)
language sql stable parallel safe security invoker
begin atomic
  select d.at, d.previous_at, d.complete, d.id, d.calls::bigint, d.exec_us / 1000.0::float8, d.exec_sq::float8,
    coalesce(d.rows, 0)::bigint, coalesce(d.hit, 0)::bigint, coalesce(d.read, 0)::bigint, coalesce(d.dirtied, 0)::bigint,
    coalesce(d.written, 0)::bigint, coalesce(d.temp_read, 0)::bigint, coalesce(d.temp_written, 0)::bigint,
    coalesce(d.plan_us, 0) / 1000.0::float8, coalesce(d.read_us, 0) / 1000.0::float8,
    coalesce(d.write_us, 0) / 1000.0::float8, coalesce(d.wal_bytes, 0)
  from (select s.at, s.previous_at, s.complete, unnest(s.ids) as id, unnest(s.calls) as calls, unnest(s.exec_us) as exec_us,
          unnest(s.exec_sq) as exec_sq, unnest(s.rows) as rows, unnest(s.hit) as hit, unnest(s.read) as read,
          unnest(s.dirtied) as dirtied, unnest(s.written) as written, unnest(s.temp_read) as temp_read,
          unnest(s.temp_written) as temp_written, unnest(s.plan_us) as plan_us, unnest(s.read_us) as read_us,
          unnest(s.write_us) as write_us, unnest(s.wal_bytes) as wal_bytes
        from _wedding_dbopt.statement_sample s
        where s.at > statement_delta.since and s.at <= statement_delta.until) d;
end;
comment on function _wedding_dbopt.statement_delta(timestamptz, timestamptz) is
  'What each statement did in each interval that ended in (since, until]; exec_sq is the sum of squared milliseconds.';
