-- An hour h stands for the passes in (h, h + 1 hour], as the window does. Whole days come from the daily roll-up, whole hours
-- beside them from the hourly one, and only the edges from the raw samples. Where raw samples are gone an hour counts if it
-- begins inside the window; where the hours are gone too, so does a day. The last 23 closed hours and the last 29 closed days are
-- summed already (statement_recent), for windows that hold them. A window that is cut into slices takes what lies within one slice.
create or replace function _wedding_dbopt.window_parts(
  since timestamptz, until timestamptz, slice interval default null,
  out days timestamptz[], out hours timestamptz[], out raw_days tstzrange[], out recent tstzrange)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  raw_from   constant timestamptz := (select min(s.at) from _wedding_dbopt.statement_sample s);
  hours_from constant timestamptz := coalesce((select min(r.hour) from _wedding_dbopt.rolled_hour r), raw_from, 'infinity');
begin
  if window_parts.slice is null then
    select tstzrange(r.since, r.until, '(]') into recent
    from _wedding_dbopt.recent_statements(window_parts.since, window_parts.until) r limit 1;
  end if;
  select coalesce(array_agg(d.day), '{}'),
    coalesce(array_agg(tstzrange(d.day, d.until, '(]')) filter (where d.until >= raw_from), '{}') into days, raw_days
  from _wedding_dbopt.rolled_day d
  where d.day >= window_parts.since and d.day < window_parts.until
    and (d.until <= least(window_parts.until, date_bin(window_parts.slice, d.day, '2001-01-01Z') + window_parts.slice) or d.until <= hours_from)
    and (recent is null or d.until <= lower(recent) or d.day >= upper(recent));
  hours := array(
    select r.hour from _wedding_dbopt.rolled_hour r
    where r.hour >= window_parts.since and r.hour < window_parts.until
      and (r.hour + interval '1 hour' <= least(window_parts.until, date_bin(window_parts.slice, r.hour, '2001-01-01Z') + window_parts.slice)
           or coalesce(r.hour + interval '1 hour' <= raw_from, true))
      and (recent is null or r.hour < lower(recent) or r.hour >= upper(recent))
      and not exists (select from _wedding_dbopt.rolled_day d where d.day = any (days) and r.hour >= d.day and r.hour < d.until));
end $$;
comment on function _wedding_dbopt.window_parts(timestamptz, timestamptz, interval) is
  'Where the sums of a window come from, so that nothing is counted twice: roll-ups of days and hours, the sum of the last closed hours or days (recent), and raw samples for the rest; raw_days are the days of which raw samples exist too. Slices begin at multiples of their width.';
