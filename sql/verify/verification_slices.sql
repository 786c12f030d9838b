-- The same hours of earlier days come from the hourly sums, of workdays or of days off as the day of judging is one, where those
-- were seen. An hour is in the sums when it is over, so by_hours judges up to the last full hour.
create or replace function _wedding_dbopt.verification_slices(action_id bigint, at timestamptz)
returns table (statement_id integer, after boolean, begun_s float8, hour integer, calls bigint, exec_ms float8, exec_sq float8, blocks float8, wal_bytes float8)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off set work_mem = '16MB' as $$
#variable_conflict use_column
declare
  span constant record := _wedding_dbopt.verification_window(verification_slices.action_id, verification_slices.at);
  zone constant text := _wedding_dbopt.setting_value('time_zone');
  subjects constant integer[] := array(
    select s.statement_id from _wedding_dbopt.verification_subjects(verification_slices.action_id, verification_slices.at) s);
  chunks constant integer[] := array(select distinct _wedding_dbopt.chunk_of(id) from unnest(subjects) id);
  raw_from constant timestamptz := case when span.by_hours then date_trunc('hour', span.first_started, 'UTC')
    else greatest(span.before_since, (select min(s.at) from _wedding_dbopt.statement_sample s)) end;
  after_from constant timestamptz := case when span.by_hours
    then date_trunc('hour', span.last_applied, 'UTC') + interval '1 hour'
    else (select min(s.at) from _wedding_dbopt.statement_sample s where s.at >= span.last_applied) end;
  wanted integer[];
  days_off boolean;
begin
  select array_agg(distinct ((extract(hour from (moment at time zone zone))::integer + near + 24) % 24)) into wanted
  from generate_series(span.last_applied, verification_slices.at, interval '30 minutes') moment, generate_series(-1, 1) near;
  select case when count(*) filter (where off = today) > 0 then today end into days_off
  from (select extract(isodow from (r.hour at time zone zone)) in (6, 7) as off,
               extract(isodow from (span.last_applied at time zone zone)) in (6, 7) as today
        from _wedding_dbopt.rolled_hour r where r.hour >= span.known_since and r.hour < raw_from - interval '12 hours') d
  group by today;
  return query
  with pass as (
    select s.at, s.at > span.first_started as after, s.ids, s.calls, s.exec_us, s.exec_sq, s.hit, s.read, s.temp_written, s.wal_bytes,
           case when span.width is null then s.previous_at
                else date_bin(span.width, s.at - interval '1 microsecond', span.last_applied) end as begun
    from _wedding_dbopt.statement_sample s
    where not span.by_hours and s.previous_at is not null
      and (s.at > raw_from and s.at <= span.first_started or s.at > after_from and s.at <= verification_slices.at)
  ), raw as (
    select d.id, p.after, p.begun, coalesce(span.width, max(p.at) - p.begun) as length, sum(d.calls)::bigint as calls,
           sum(d.exec_us) / 1000.0::float8 as exec_ms, sum(d.exec_sq::float8) as exec_sq,
           sum(coalesce(d.hit, 0)::float8 + coalesce(d.read, 0) + coalesce(d.temp_written, 0)) as blocks, sum(coalesce(d.wal_bytes, 0)::float8) as wal
    from pass p
    cross join lateral unnest(p.ids, p.calls, p.exec_us, p.exec_sq, p.hit, p.read, p.temp_written, p.wal_bytes)
      as d(id, calls, exec_us, exec_sq, hit, read, temp_written, wal_bytes)
    where d.id = any (subjects)
    group by d.id, p.after, p.begun
  ), slot as (
    select r.hour, r.hour >= span.last_applied as after from _wedding_dbopt.rolled_hour r
    where r.hour >= span.known_since and r.hour + interval '1 hour' <= raw_from
      and (r.hour >= span.before_since
           or extract(hour from (r.hour at time zone zone))::integer = any (wanted)
              and coalesce((extract(isodow from (r.hour at time zone zone)) in (6, 7)) = days_off, true))
       or span.by_hours and r.hour >= after_from and r.hour + interval '1 hour' <= verification_slices.at
  ), hourly as (
    select d.id, s.after, s.hour as begun, interval '1 hour' as length, d.calls, d.exec_us / 1000.0::float8 as exec_ms, d.exec_sq::float8 as exec_sq,
           coalesce(d.hit, 0)::float8 + coalesce(d.read, 0) + coalesce(d.temp_written, 0) as blocks, coalesce(d.wal_bytes, 0)::float8 as wal
    from slot s join _wedding_dbopt.statement_hour h on h.hour = s.hour and h.chunk = any (chunks)
    cross join lateral unnest(h.ids, h.calls, h.exec_us, h.exec_sq, h.hit, h.read, h.temp_written, h.wal_bytes)
      as d(id, calls, exec_us, exec_sq, hit, read, temp_written, wal_bytes)
    where d.id = any (subjects)
  )
  select u.id, u.after, extract(epoch from u.begun - case when u.after then span.last_applied else span.first_started end)::float8,
         extract(hour from ((u.begun + u.length / 2) at time zone zone))::integer, u.calls, u.exec_ms, u.exec_sq, u.blocks, u.wal
  from (select * from raw union all select * from hourly) u
  where u.calls > 0
  order by u.id, u.begun;
end $$;
comment on function _wedding_dbopt.verification_slices(bigint, timestamptz) is
  'What the subjects of an action did before and after it, in slices of time: begun_s counts from the change, negative before it; hour is the local hour of the day; blocks are those of tables, indexes and temporary files.';
