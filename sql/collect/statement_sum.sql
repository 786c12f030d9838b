-- An hour h stands for the passes in (h, h + 1 hour], as the window does, so whole hours come from the roll-up, which is
-- many times smaller, and only the edges from the raw samples. Where the raw samples are gone an hour counts if it begins
-- inside the window; where the hours are gone too, so does a day. Sums are made in float8, numeric would be slow.
create or replace function _wedding_dbopt.statement_sum(since timestamptz, until timestamptz)
returns table (statement_id integer, calls bigint, exec_ms float8, exec_sq float8, rows bigint, hit bigint, read bigint,
  temp_written bigint, wal_bytes bigint)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
set jit = off as $$
#variable_conflict use_column
declare
  raw_from   constant timestamptz := (select min(s.at) from _wedding_dbopt.statement_sample s);
  hours_from constant timestamptz := (select min(h.hour) from _wedding_dbopt.statement_hour h);
  hours_to   constant timestamptz := (select max(h.hour) from _wedding_dbopt.statement_hour h);
  time_zone  constant text := _wedding_dbopt.setting_value('time_zone');
  hours      timestamptz[];
begin
  hours := array(
    select slot.hour
    from generate_series(hours_from, least(statement_sum.until, hours_to), interval '1 hour') as slot(hour)
    where slot.hour >= statement_sum.since
      and (slot.hour + interval '1 hour' <= statement_sum.until
           or (slot.hour < statement_sum.until and coalesce(slot.hour + interval '1 hour' <= raw_from, true)))
      and exists (select from _wedding_dbopt.statement_hour h where h.hour = slot.hour));
  return query
  select p.statement_id, sum(p.calls)::bigint, sum(p.exec_ms), sum(p.exec_sq), sum(p.rows)::bigint, sum(p.hit)::bigint,
    sum(p.read)::bigint, sum(p.temp_written)::bigint, sum(p.wal_bytes)::bigint
  from (
    select d.id as statement_id, d.calls::float8 as calls, d.exec_us / 1000.0::float8 as exec_ms, d.exec_sq::float8 as exec_sq,
      coalesce(d.rows, 0)::float8 as rows, coalesce(d.hit, 0)::float8 as hit, coalesce(d.read, 0)::float8 as read,
      coalesce(d.temp_written, 0)::float8 as temp_written, coalesce(d.wal_bytes, 0)::float8 as wal_bytes
    from (select unnest(s.ids) as id, unnest(s.calls) as calls, unnest(s.exec_us) as exec_us, unnest(s.exec_sq) as exec_sq,
            unnest(s.rows) as rows, unnest(s.hit) as hit, unnest(s.read) as read, unnest(s.temp_written) as temp_written,
            unnest(s.wal_bytes) as wal_bytes
          from _wedding_dbopt.statement_sample s
          where s.at > statement_sum.since and s.at <= statement_sum.until
            and date_trunc('hour', s.at - interval '1 microsecond', 'UTC') <> all (hours)) d
    union all
    select h.statement_id, h.calls::float8, h.exec_ms, h.exec_sq, h.rows::float8, h.hit::float8, h.read::float8,
      h.temp_written::float8, h.wal_bytes::float8
    from _wedding_dbopt.statement_hour h
    where h.hour = any (hours)
    union all
    select d.statement_id, d.calls::float8, d.exec_ms, d.exec_sq, d.rows::float8, d.hit::float8, d.read::float8,
      d.temp_written::float8, d.wal_bytes::float8
    from _wedding_dbopt.statement_day d
    where statement_sum.since < coalesce(hours_from, raw_from, 'infinity')
      and d.day < coalesce((coalesce(hours_from, raw_from) at time zone time_zone)::date, 'infinity')
      and d.day::timestamp at time zone time_zone >= statement_sum.since
      and d.day::timestamp at time zone time_zone < statement_sum.until
  ) p
  group by p.statement_id;
end $$;
comment on function _wedding_dbopt.statement_sum(timestamptz, timestamptz) is
  'What each statement did in a window, from raw samples and from the hourly and daily roll-ups, nothing counted twice.';
