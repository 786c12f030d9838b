-- The dictionary of statements. The texts stand apart, behind row security, because they may reveal data.
create table _wedding_dbopt.statement (
  id           integer generated always as identity primary key,
  queryid      bigint  not null,
  dbid         oid     not null,
  userid       oid     not null,
  toplevel     boolean not null,
  first_seen   timestamptz not null,
  own          boolean not null default false,
  kind         text,
  tables       text[],
  context      text,
  contexts     text[],
  criticality  text,
  confidence   real,
  classified_at timestamptz,
  needs_constants boolean not null default false,
  parse_error  text,
  unique (queryid, dbid, userid, toplevel)
);
comment on table _wedding_dbopt.statement is
  'Each normalised statement once: its identity in pg_stat_statements and what its parse tree says (tables, context, criticality).';
create index statement_needs_constants on _wedding_dbopt.statement (queryid) where needs_constants;
create index statement_unclassified on _wedding_dbopt.statement (id) where classified_at is null;
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement_id_seq', '');

create table _wedding_dbopt.statement_text (
  statement_id integer primary key references _wedding_dbopt.statement on delete cascade,
  query        text not null,
  observed_query text
);
comment on table _wedding_dbopt.statement_text is 'Normalised texts; rows are visible to members of pg_read_all_stats only. observed_query has the constants of full-text expressions, which an index needs.';
alter table _wedding_dbopt.statement_text enable row level security;
create policy read_all_stats on _wedding_dbopt.statement_text for select
  using (pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage'));
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement_text', '');

-- The counters of the last pass. Unlogged: after a crash the next pass is a new base line, marked incomplete.
-- No secondary index and a low fillfactor, so that updates stay in their page (heap-only tuples).
create unlogged table _wedding_dbopt.statement_last (
  queryid  bigint not null, calls bigint not null, exec_ms float8 not null, dbid oid not null, userid oid not null,
  id       integer not null, toplevel boolean not null,
  exec_sq  float8 not null, plan_ms float8 not null, max_ms float8 not null, min_ms float8 not null,
  rows     bigint not null, hit bigint not null, read bigint not null, dirtied bigint not null, written bigint not null,
  temp_read bigint not null, temp_written bigint not null, read_ms float8 not null, write_ms float8 not null,
  wal_bytes float8 not null, stats_since timestamptz
) with (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.3);
comment on table _wedding_dbopt.statement_last is 'Counters of pg_stat_statements at the last pass, to form interval differences.';

-- One row per pass: parallel arrays of the statements that changed, sorted by id. A metric that is zero for all is null.
create table _wedding_dbopt.statement_sample (
  at          timestamptz not null,
  previous_at timestamptz,
  complete    boolean not null,
  stats_reset timestamptz,
  dealloc     bigint,
  entries     integer,
  restarted   integer[],
  ids         integer[] not null,
  calls       integer[] not null,
  exec_us     bigint[] not null,
  exec_sq     real[] not null,
  rows        integer[],
  hit         integer[],
  read        integer[],
  dirtied     integer[],
  written     integer[],
  temp_read   integer[],
  temp_written integer[],
  plan_us     bigint[],
  read_us     bigint[],
  write_us    bigint[],
  wal_bytes   bigint[]
) partition by range (at);
comment on table _wedding_dbopt.statement_sample is
  'Interval differences of pg_stat_statements: exec_sq is the sum of squared milliseconds of the interval''s calls; complete is false where a restart, reset or eviction hides calls.';
-- Each partition has an index of its own. One of the parent would make a dump fail to restore: attaching a partition
-- to the extension's table would build the index that the dump then creates.
create table _wedding_dbopt.statement_sample_default partition of _wedding_dbopt.statement_sample default;
create index statement_sample_default_at on _wedding_dbopt.statement_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement_sample_default', '');

create table _wedding_dbopt.statement_hour (
  hour      timestamptz not null,
  statement_id integer  not null,
  calls     bigint not null,
  exec_ms   float8 not null,
  exec_sq   float8 not null,
  rows      bigint not null,
  hit       bigint not null,
  read      bigint not null,
  temp_written bigint not null,
  wal_bytes bigint not null,
  primary key (hour, statement_id)
);
create index statement_hour_statement on _wedding_dbopt.statement_hour (statement_id);
comment on table _wedding_dbopt.statement_hour is 'Hourly sums of statement_sample; recomputed from raw rows while these exist.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement_hour', '');

create table _wedding_dbopt.statement_day (
  day       date not null,
  statement_id integer not null,
  calls     bigint not null,
  exec_ms   float8 not null,
  exec_sq   float8 not null,
  rows      bigint not null,
  hit       bigint not null,
  read      bigint not null,
  temp_written bigint not null,
  wal_bytes bigint not null,
  primary key (statement_id, day)
);
create index statement_day_day on _wedding_dbopt.statement_day (day);
comment on table _wedding_dbopt.statement_day is 'Daily sums of statement_hour, days of the setting time_zone.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement_day', '');
