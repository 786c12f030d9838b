-- Tables and indexes: the same packed form as statement_sample, counters as interval differences.
create unlogged table _wedding_dbopt.relation_last (
  relid oid primary key,
  counters bigint[] not null
) with (fillfactor = 50);
comment on table _wedding_dbopt.relation_last is 'Counters of tables and indexes at the last pass, to form interval differences.';

create table _wedding_dbopt.table_sample (
  at          timestamptz not null,
  previous_at timestamptz,
  complete    boolean not null,
  relids      oid[] not null,
  seq_scan    bigint[], seq_tup_read bigint[], idx_scan bigint[], idx_tup_fetch bigint[],
  inserted    bigint[], updated bigint[], deleted bigint[], hot_updated bigint[],
  live        bigint[], dead bigint[], pages integer[],
  heap_hit    bigint[], heap_read bigint[]
) partition by range (at);
comment on table _wedding_dbopt.table_sample is
  'Interval differences of the tables'' counters; live, dead and pages are the values at that time.';
create table _wedding_dbopt.table_sample_default partition of _wedding_dbopt.table_sample default;
create index table_sample_default_at on _wedding_dbopt.table_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.table_sample_default', '');

create table _wedding_dbopt.index_sample (
  at          timestamptz not null,
  previous_at timestamptz,
  complete    boolean not null,
  relids      oid[] not null,
  idx_scan    bigint[], idx_tup_read bigint[], idx_tup_fetch bigint[], blks_hit bigint[], blks_read bigint[], pages integer[]
) partition by range (at);
comment on table _wedding_dbopt.index_sample is 'Interval differences of the indexes'' counters; pages is the size at that time.';
create table _wedding_dbopt.index_sample_default partition of _wedding_dbopt.index_sample default;
create index index_sample_default_at on _wedding_dbopt.index_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.index_sample_default', '');

create table _wedding_dbopt.connection_sample (
  at                  timestamptz not null,
  active              integer,
  idle                integer,
  idle_in_transaction integer,
  waiting             integer,
  total               integer,
  max_connections     integer,
  reserved            integer,
  avg_age_s           numeric,
  max_query_s         numeric,
  max_transaction_s   numeric,
  wait_events         jsonb
) partition by range (at);
comment on table _wedding_dbopt.connection_sample is 'Client connections by state; ages in seconds; waiting = active and waiting for a lock.';
create table _wedding_dbopt.connection_sample_default partition of _wedding_dbopt.connection_sample default;
create index connection_sample_default_at on _wedding_dbopt.connection_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.connection_sample_default', '');

create table _wedding_dbopt.system_sample (
  at               timestamptz not null,
  cpu_percent      numeric,
  cpus             integer,
  load_1m          numeric,
  memory_total     bigint,
  memory_available bigint,
  disk_total       bigint,
  disk_free        bigint,
  blks_hit         bigint,
  blks_read        bigint,
  xact_commit      bigint,
  xact_rollback    bigint,
  deadlocks        bigint,
  temp_bytes       bigint,
  wal_bytes        numeric,
  checkpoints_requested bigint,
  xid_age          bigint,
  seasons          text[],
  cpu_jiffies      bigint[]
) partition by range (at);
comment on table _wedding_dbopt.system_sample is
  'Machine and database: sizes in bytes, counters as interval differences; null = the source could not be read (see collect_log).';
create table _wedding_dbopt.system_sample_default partition of _wedding_dbopt.system_sample default;
create index system_sample_default_at on _wedding_dbopt.system_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.system_sample_default', '');

create unlogged table _wedding_dbopt.system_last (
  source   text primary key,
  reset_at timestamptz,
  counters numeric[] not null
);
comment on table _wedding_dbopt.system_last is
  'Counters of the whole database and machine at the last pass and the time of their last reset, to form interval differences.';

create table _wedding_dbopt.collect_log (
  at          timestamptz not null,
  source      text not null,
  duration_ms numeric,
  sqlstate    text,
  reason      text
) partition by range (at);
comment on table _wedding_dbopt.collect_log is 'Each source of each pass: its duration, or why it gave nothing.';
create table _wedding_dbopt.collect_log_default partition of _wedding_dbopt.collect_log default;
create index collect_log_default_at on _wedding_dbopt.collect_log_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.collect_log_default', '');

-- Its rows are locked, never changed, and come with the installation, so they are not dumped.
create table _wedding_dbopt.pass_lock (
  name text primary key
);
comment on table _wedding_dbopt.pass_lock is
  'The locks of collect() and maintain(): rows, because an advisory lock is open to every role and these are not.';
insert into _wedding_dbopt.pass_lock (name) values ('collect'), ('maintain');
