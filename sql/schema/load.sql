-- What is expected of the load. Written by fit_load(), read by the surge watch, by reports and by forecasts. An hour that
-- has passed keeps what was expected of it last, so that expectation and truth can be compared.
create table _wedding_dbopt.expected_hour (
  context          text        not null,
  hour             timestamptz not null,
  calls_per_minute float8      not null,
  low              float8      not null,
  high             float8      not null,
  fitted_at        timestamptz not null,
  history_days     integer     not null,
  primary key (hour, context)
);
comment on table _wedding_dbopt.expected_hour is
  'Expected calls per minute of each hour and context (all = the sum of all), with the interval that holds eight of ten hours; four weeks ahead.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.expected_hour', '');

create table _wedding_dbopt.expected_day (
  context          text        not null,
  day              timestamptz not null,
  calls            float8      not null,
  low              float8      not null,
  high             float8      not null,
  fitted_at        timestamptz not null,
  primary key (context, day)
);
comment on table _wedding_dbopt.expected_day is
  'Expected calls of each day and context, with the interval that holds eight of ten days; day is the moment a day of the setting time_zone begins.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.expected_day', '');

create table _wedding_dbopt.load_profile (
  context     text     not null,
  hour_of_week smallint not null check (hour_of_week between 0 and 167),
  factor      float8   not null,
  low         float8   not null,
  high        float8   not null,
  hours       integer  not null,
  primary key (context, hour_of_week)
);
comment on table _wedding_dbopt.load_profile is
  'The hour-of-week profile (0 = Monday 0 o''clock, local): factor against the mean of the week, the interval that holds eight of ten hours, and the number of hours behind it.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.load_profile', '');

create table _wedding_dbopt.season_multiplier (
  season           text        not null,
  context          text        not null,
  multiplier       float8      not null,
  low              float8      not null,
  high             float8      not null,
  seasons_observed integer     not null,
  days_observed    integer     not null,
  prior            float8      not null,
  fitted_at        timestamptz not null,
  primary key (season, context)
);
comment on table _wedding_dbopt.season_multiplier is
  'What a season multiplies the load of a context by, against the days of no season, with its 80 % interval; days_observed says how much of the season it rests on, the rest is the calendar''s prior.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.season_multiplier', '');

create table _wedding_dbopt.load_fit (
  context       text primary key,
  fitted_at     timestamptz not null,
  history_since timestamptz not null,
  history_hours integer     not null,
  growth        float8      not null,
  growth_low    float8      not null,
  growth_high   float8      not null
);
comment on table _wedding_dbopt.load_fit is
  'The last fit of each context: the history it rests on and the growth factor per year with its 80 % interval.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.load_fit', '');

-- What the surge watch remembers between passes. Sums fade, so each holds minutes to days; see surge_step().
create unlogged table _wedding_dbopt.surge_state (
  context        text primary key,
  at             timestamptz,
  fitted_at      timestamptz,
  own_calls      float8,
  own_minutes    float8,
  fast_calls     float8,
  fast_expected  float8,
  slow_calls     float8,
  slow_expected  float8,
  spread         float8,
  spread_weight  float8,
  now_calls      float8,
  now_usual      float8,
  evidence       float8,
  began_at       timestamptz,
  surge_since    timestamptz,
  factor         float8,
  usual          float8,
  calls_per_minute float8,
  basis          text
) with (fillfactor = 30);
comment on table _wedding_dbopt.surge_state is
  'State of the surge watch of each context (all = the sum of all) after the last pass; unlogged, because it is learned again within an hour.';

create table _wedding_dbopt.surge (
  id          bigint generated always as identity primary key,
  context     text        not null,
  began_at    timestamptz not null,
  detected_at timestamptz not null,
  ended_at    timestamptz,
  factor      float8      not null,
  usual       float8      not null,
  basis       text        not null
);
comment on table _wedding_dbopt.surge is
  'Surges: when the load of a context left the usual, when that was seen, when it ended; the greatest factor over the usual calls per minute.';
create index surge_began on _wedding_dbopt.surge (began_at);
create unique index surge_open on _wedding_dbopt.surge (context) where ended_at is null;
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.surge', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.surge_id_seq', '');
