-- statement_sum() for who needs no more than this: a third of its cost in a long window, and a fourth of that more for the squares.
create or replace function _wedding_dbopt.statement_time(since timestamptz, until timestamptz, squares boolean default false)
returns table (statement_id integer, calls bigint, exec_ms float8, exec_sq float8)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
set jit = off
set work_mem = '16MB' as $$
#variable_conflict use_column
declare
  part record;
begin
  select * into part from _wedding_dbopt.window_parts(statement_time.since, statement_time.until);
  return query
  select p.id, sum(p.calls)::bigint, sum(p.exec_us) / 1000, sum(p.exec_sq)
  from (
    select d.id, d.calls::float8 as calls, d.exec_us::float8 as exec_us, d.exec_sq::float8 as exec_sq
    from (select unnest(s.ids) as id, unnest(s.calls) as calls, unnest(s.exec_us) as exec_us, unnest(case when statement_time.squares then s.exec_sq end) as exec_sq
          from _wedding_dbopt.statement_sample s
          where s.at > statement_time.since and s.at <= statement_time.until
            and date_trunc('hour', s.at - interval '1 microsecond', 'UTC') <> all (part.hours)
            and not s.at <@ any (part.raw_days)
            and (part.recent is null or not s.at <@ part.recent)) d
    union all
    select h.id, h.calls::float8, h.exec_us::float8, h.exec_sq::float8
    from (select unnest(r.ids) as id, unnest(r.calls) as calls, unnest(r.exec_us) as exec_us, unnest(case when statement_time.squares then r.exec_sq end) as exec_sq
          from (select h.ids, h.calls, h.exec_us, h.exec_sq from _wedding_dbopt.statement_hour h where h.hour = any (part.hours)
                union all
                select d.ids, d.calls, d.exec_us, d.exec_sq from _wedding_dbopt.statement_day d where d.day = any (part.days)
                union all
                select s.ids, s.calls, s.exec_us, s.exec_sq
                from _wedding_dbopt.recent_statements(statement_time.since, statement_time.until) s where part.recent is not null) r) h
  ) p
  group by p.id;
end $$;
comment on function _wedding_dbopt.statement_time(timestamptz, timestamptz, boolean) is
  'How often each statement ran in a window, and the sums of its milliseconds and, if asked for, their squares (else null), as statement_sum() has them.';
