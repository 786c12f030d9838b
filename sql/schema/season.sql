create table _wedding_dbopt.season (
  name             text not null,
  region           text not null default 'default',
  time_zone        text,
  first_day        text not null check (first_day ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'),
  last_day         text not null check (last_day ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'),
  prior_multiplier numeric not null check (prior_multiplier > 0),
  surge_multiplier numeric not null default 1 check (surge_multiplier > 0),
  surge_context    text,
  tuning_interval  interval not null default '4 hours',
  enabled          boolean not null default true,
  origin           text not null default 'user',
  primary key (name, region)
);
comment on table _wedding_dbopt.season is
  'Calendar of the seasons: month-day bounds, both inclusive; a season whose last day is before its first day runs over the new year. time_zone is where its days are counted (null = the setting time_zone); prior_multiplier holds until history has been measured.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.season', 'where origin = ''user''');

-- Weddings follow the summer, so the south has them half a year apart; proposals follow Christmas and St Valentine everywhere.
insert into _wedding_dbopt.season (name, region, first_day, last_day, prior_multiplier, surge_multiplier, surge_context, origin) values
  ('wedding',  'default', '05-01', '10-31', 4.0, 1,  null,      'default'),
  ('wedding',  'south',   '11-01', '04-30', 4.0, 1,  null,      'default'),
  ('proposal', 'default', '11-01', '02-29', 1.0, 10, 'booking', 'default');

-- By name, because a restored database has other oids. It outlives all samples: a season comes back after a year.
create table _wedding_dbopt.season_use (
  season          text not null,
  name            text not null,
  blocks_per_hour float8 not null,
  days            integer not null,
  last_seen       timestamptz not null,
  primary key (season, name)
);
comment on table _wedding_dbopt.season_use is
  'Which tables and indexes a season asks for, as maintain() notes once a day while it is on: blocks an hour, the mean over the days of its last year.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.season_use', '');
