-- Reads the chunk of the statement only. An array_position of a statement that did not run is null, and so is its row.
create or replace function _wedding_dbopt.statement_history(statement_id integer, since timestamptz, until timestamptz, finest boolean)
returns table (begun timestamptz, ended timestamptz, calls bigint, exec_ms float8, exec_sq float8, rows bigint, hit bigint,
  read bigint, temp_written bigint, wal_bytes bigint)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
set jit = off as $$
#variable_conflict use_column
declare
  chunk      constant integer := _wedding_dbopt.chunk_of(statement_history.statement_id);
  raw_from   constant timestamptz := coalesce((select min(s.at) from _wedding_dbopt.statement_sample s), 'infinity');
  hours_from constant timestamptz := coalesce((select min(r.hour) from _wedding_dbopt.rolled_hour r), 'infinity');
  hours_to   constant timestamptz := coalesce((select max(r.hour) from _wedding_dbopt.rolled_hour r) + interval '1 hour', '-infinity');
  passes_from constant timestamptz := case when statement_history.finest then statement_history.since else greatest(hours_to, statement_history.since) end;
  hours_until constant timestamptz := case when statement_history.finest then date_trunc('hour', raw_from, 'UTC') else 'infinity' end;
begin
  return query
  select d.day, r.until, d.calls[p.place], d.exec_us[p.place] / 1000.0::float8, d.exec_sq[p.place]::float8, coalesce(d.rows[p.place], 0),
    coalesce(d.hit[p.place], 0), coalesce(d.read[p.place], 0), coalesce(d.temp_written[p.place], 0), coalesce(d.wal_bytes[p.place], 0)
  from _wedding_dbopt.statement_day d
  join _wedding_dbopt.rolled_day r on r.day = d.day
  cross join lateral (select array_position(d.ids, statement_history.statement_id) as place) p
  where d.chunk = chunk and d.day >= statement_history.since and r.until <= hours_from and d.day < statement_history.until
    and p.place is not null
  union all
  select h.hour, h.hour + interval '1 hour', h.calls[p.place], h.exec_us[p.place] / 1000.0::float8, h.exec_sq[p.place]::float8,
    coalesce(h.rows[p.place], 0), coalesce(h.hit[p.place], 0), coalesce(h.read[p.place], 0), coalesce(h.temp_written[p.place], 0),
    coalesce(h.wal_bytes[p.place], 0)
  from _wedding_dbopt.statement_hour h
  cross join lateral (select array_position(h.ids, statement_history.statement_id) as place) p
  where h.chunk = chunk and h.hour >= statement_history.since and h.hour < statement_history.until and h.hour < hours_until
    and p.place is not null
  union all
  select s.previous_at, s.at, s.calls[p.place]::bigint, s.exec_us[p.place] / 1000.0::float8, s.exec_sq[p.place]::float8,
    coalesce(s.rows[p.place], 0)::bigint, coalesce(s.hit[p.place], 0)::bigint, coalesce(s.read[p.place], 0)::bigint,
    coalesce(s.temp_written[p.place], 0)::bigint, coalesce(s.wal_bytes[p.place], 0)
  from _wedding_dbopt.statement_sample s
  cross join lateral (select array_position(s.ids, statement_history.statement_id) as place) p
  where s.at > passes_from and s.at <= statement_history.until and s.previous_at is not null and p.place is not null;
end $$;
comment on function _wedding_dbopt.statement_history(integer, timestamptz, timestamptz, boolean) is
  'What one statement did in each pass (finest) or each hour of a window; where those are gone, in each hour or day.';
