-- The catalogue changes rarely, so equal ones are kept once, whoever refers to them.
create table _wedding_dbopt.baseline_catalogue (
  fingerprint text primary key,
  objects     jsonb not null,
  seen_at     timestamptz,  -- by the last run of maintain() that described a day
  measured    jsonb         -- what it measured of tables, server and settings in that day, until its baseline is stored
);
comment on table _wedding_dbopt.baseline_catalogue is
  'What the database consisted of: kind, name and definition of each object, long texts as md5; shared by the baselines between which nothing changed.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.baseline_catalogue', '');

-- The load is packed as it is in statement_sample, because one row per statement would be seven times as large.
create table _wedding_dbopt.baseline (
  id           bigint generated always as identity primary key,
  name         text not null unique,
  comment      text,
  origin       text not null check (origin in ('user', 'daily', 'tuning_run')),
  created_by   text not null,
  created_at   timestamptz not null,
  since        timestamptz not null,
  until        timestamptz not null,
  complete     boolean not null,
  ids          integer[] not null,
  calls        bigint[] not null,
  exec_us      bigint[] not null,
  exec_sq      real[] not null,
  rows         bigint[],
  hit          bigint[],
  read         bigint[],
  temp_written bigint[],
  wal_bytes    bigint[],
  rate_error   real[] not null,
  mean_error   real[] not null,
  blocks_error real[] not null,
  slices       real[] not null,
  rate_slices  real not null,
  contexts     jsonb not null,
  relations    jsonb not null,
  server       jsonb not null,
  settings     jsonb not null,
  catalogue    text not null references _wedding_dbopt.baseline_catalogue
);
comment on table _wedding_dbopt.baseline is
  'Kept snapshots, past all retention: load per statement (parallel arrays in the order of ids) and per context, sizes and scans of relations, settings, catalogue. *_error are standard errors of calls per hour, mean ms and blocks per call; slices is the number of equal slices of time the calls are worth.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.baseline', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.baseline_id_seq', '');
