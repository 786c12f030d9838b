-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.declare_freeze(
  name text, starts_at timestamptz default null, ends_at timestamptz default null, weekday integer default null, season text default null,
  from_time time default '00:00', until_time time default '24:00', reason text default null) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  wanted constant text := btrim(declare_freeze.name);
  known jsonb;
  given jsonb;
begin
  perform _wedding_dbopt.require(length(wanted) between 1 and 100, 'A freeze needs a name of at most 100 characters', 'For example ''gala weekend''.');
  perform _wedding_dbopt.require((weekday is null) = (starts_at is not null) and (starts_at is null) = (ends_at is null),
    'A freeze is either a span or a weekday', 'Give starts_at and ends_at, or weekday (1 = Monday, 7 = Sunday).');
  perform _wedding_dbopt.require(coalesce(isfinite(starts_at) and isfinite(ends_at) and ends_at > starts_at, weekday between 1 and 7),
    'A span must end after it starts, a weekday lies between 1 and 7', 'Monday is 1, Sunday is 7.');
  perform _wedding_dbopt.require_time(t) from unnest(array[starts_at, ends_at]) as t where t is not null;
  perform _wedding_dbopt.require(coalesce(length(declare_freeze.reason) <= 1000, true), 'A reason has at most 1000 characters', 'For example ''gala weekend''.');
  perform _wedding_dbopt.require(until_time > from_time, 'until_time must be after from_time', 'A night needs two freezes, one for each day.');
  perform _wedding_dbopt.require(season is null or (weekday is not null and exists (select from _wedding_dbopt.season s where s.name = declare_freeze.season)),
    format('A weekday may be limited to a season of the calendar; %L is none', season),
    (select format('Use one of %s.', string_agg(distinct s.name, ', ')) from _wedding_dbopt.season s));
  select to_jsonb(f) into known from _wedding_dbopt.freeze f where f.name = wanted;
  insert into _wedding_dbopt.freeze as f (name, weekday, season, from_time, until_time, starts_at, ends_at, reason)
  values (wanted, declare_freeze.weekday, declare_freeze.season, declare_freeze.from_time, declare_freeze.until_time,
          declare_freeze.starts_at, declare_freeze.ends_at, coalesce(nullif(btrim(declare_freeze.reason), ''), 'declared by ' || _wedding_dbopt.actor()))
  on conflict on constraint freeze_pkey do update
  set (weekday, season, from_time, until_time, starts_at, ends_at, reason, enabled)
    = row(excluded.weekday, excluded.season, excluded.from_time, excluded.until_time, excluded.starts_at, excluded.ends_at, excluded.reason, true)
  returning to_jsonb(f) into given;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'freeze', wanted, known::text, given::text, 'declared by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'freeze', given, 'previous', known);
end $$;
comment on function wedding_dbopt.declare_freeze(text, timestamptz, timestamptz, integer, text, time, time, text) is
  'Declares a time in which no heavy work begins: a span (starts_at, ends_at), or a weekday (1 = Monday) from one local time to another, all year or in a season only. A freeze of the same name is replaced; what runs already is finished.';
