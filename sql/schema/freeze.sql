create table _wedding_dbopt.freeze (
  name       text primary key,
  weekday    smallint check (weekday between 1 and 7),
  season     text,
  from_time  time not null default '00:00',
  until_time time not null default '24:00',
  starts_at  timestamptz,
  ends_at    timestamptz,
  reason     text not null,
  enabled    boolean not null default true,
  origin     text not null default 'user',
  check ((weekday is null) = (starts_at is not null) and (starts_at is null) = (ends_at is null)),
  check (ends_at > starts_at and until_time > from_time)
);
comment on table _wedding_dbopt.freeze is
  'Times in which no heavy work begins: a span (starts_at to ends_at), or each week a weekday (1 = Monday) from one local time to another, all year or only in a season of the calendar.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.freeze', 'where origin = ''user''');

insert into _wedding_dbopt.freeze (name, weekday, season, reason, origin) values
  ('saturdays', 6, 'wedding', 'Six weddings of ten are on a Saturday', 'default');
