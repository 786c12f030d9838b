-- Tables and indexes: the same packed form as statement_sample, counters as interval differences.
create unlogged table _wedding_dbopt.table_last (
  relid    oid,
  seq_scan bigint, seq_read bigint, fetched bigint, inserted bigint, updated bigint, deleted bigint, hot_updated bigint,
  hit      bigint, read bigint, live bigint, dead bigint, pages integer
) with (fillfactor = 70);
comment on table _wedding_dbopt.table_last is 'Counters of tables at the last pass, to form interval differences. fetched is by bitmap scans.';

create unlogged table _wedding_dbopt.index_last (
  relid oid,
  scans bigint, returned bigint, fetched bigint, hit bigint, read bigint, pages integer
) with (fillfactor = 70);
comment on table _wedding_dbopt.index_last is 'Counters of indexes at the last pass, to form interval differences.';

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
  first_at            timestamptz,
  samples             integer,
  active              integer,
  idle                integer,
  idle_in_transaction integer,
  waiting             integer,
  total               integer,
  active_max          integer, active_avg numeric,
  idle_max            integer, idle_avg numeric,
  idle_in_transaction_max integer, idle_in_transaction_avg numeric,
  waiting_max         integer, waiting_avg numeric,
  total_max           integer, total_avg numeric,
  max_connections     integer,
  reserved            integer,
  avg_age_s           numeric,
  max_connection_s    numeric,
  max_query_s         numeric,
  max_transaction_s   numeric,
  by_role             jsonb,
  by_application      jsonb,
  wait_events         jsonb,
  wait_queryids       bigint[],
  wait_dbids          oid[],
  waits               text[],
  wait_samples        integer[]
) partition by range (at);
comment on table _wedding_dbopt.connection_sample is
  'Client connections of an interval: the plain columns are the counts at the time itself, _max and _avg and the greatest ages (seconds) come from all samples since the pass before. waiting = active and waiting for a lock. wait_events and the packed waits (by statement; a null wait is work on a CPU) count sessions in samples: divide by samples for the average number of sessions.';
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
  backend_memory   bigint,
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
  temp_files       bigint,
  wal_records      numeric,
  wal_full_pages   numeric,
  wal_buffers_full numeric,
  checkpoints_timed bigint,
  checkpoint_write_ms numeric,
  checkpoint_sync_ms  numeric,
  checkpoint_buffers  bigint,
  backend_buffers  bigint,
  io               jsonb,
  xid_age          bigint,
  multixact_age    bigint,
  oldest_table     oid,
  oldest_table_age bigint,
  xmin_age         bigint,
  xmin_holder      text,
  prepared_transactions integer,
  oldest_prepared_s numeric,
  autovacuum_workers integer,
  slots            jsonb,
  standbys         jsonb,
  other_disks      jsonb,
  seasons          text[],
  cpu_jiffies      bigint[]
) partition by range (at);
comment on table _wedding_dbopt.system_sample is
  'Machine and database: sizes in bytes, counters as interval differences; null = the source could not be read (see collect_log).';
create table _wedding_dbopt.system_sample_default partition of _wedding_dbopt.system_sample default;
create index system_sample_default_at on _wedding_dbopt.system_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.system_sample_default', '');

-- Between two passes only, so unlogged: a crash loses less than a minute of it.
create unlogged table _wedding_dbopt.session_sample (
  at            timestamptz not null,
  usesysid      oid,
  application   text,
  state         text,
  wait          text,
  queryid       bigint,
  dbid          oid,
  sessions      integer not null,
  age_sum_s     float8,
  age_max_s     float8,
  query_max_s   float8,
  transaction_max_s float8
);
comment on table _wedding_dbopt.session_sample is
  'Sessions seen since the last pass, by role, application, state, wait and statement; the next pass packs them into one row of connection_sample. Each sample has one row of no sessions, so that an idle server counts.';

-- A row is locked for a transaction; this one tells across the commits of collect_minute() who collects.
create unlogged table _wedding_dbopt.collector (
  name          text primary key,
  pid           integer not null,
  backend_start timestamptz not null,
  begun_at      timestamptz not null,
  until         timestamptz not null,
  in_pass       boolean not null,
  sampling_ms   float8 not null default 0
);
comment on table _wedding_dbopt.collector is
  'The session that collects this minute, whether it is still in its pass, until when it samples sessions, and what that took so far.';

create table _wedding_dbopt.lock_sample (
  at             timestamptz not null,
  waiting        integer not null,
  longest_wait_s numeric,
  root_pids      integer[],
  root_queryids  bigint[],
  root_dbids     oid[],
  root_roles     oid[],
  root_states    text[],
  root_transaction_s numeric[],
  blocked        integer[],
  longest_s      numeric[],
  relids         oid[],
  modes          text[]
) partition by range (at);
comment on table _wedding_dbopt.lock_sample is
  'Each moment at which sessions were seen waiting for a lock: parallel arrays of those that block and wait for nobody themselves (pid 0 = a prepared transaction), how many stand behind each, the longest of their waits in seconds, and the table and mode that it waits for.';
create table _wedding_dbopt.lock_sample_default partition of _wedding_dbopt.lock_sample default;
create index lock_sample_default_at on _wedding_dbopt.lock_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.lock_sample_default', '');

create table _wedding_dbopt.relation_size (
  day    date primary key,
  at     timestamptz not null,
  relids oid[] not null,
  bytes  bigint[] not null
);
comment on table _wedding_dbopt.relation_size is
  'Real sizes of tables (with TOAST) and indexes, the last of each day (UTC); null = it was locked when its size was read.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.relation_size', '');

create table _wedding_dbopt.sequence_use (
  day    date primary key,
  at     timestamptz not null,
  relids oid[] not null,
  used   float8[] not null
);
comment on table _wedding_dbopt.sequence_use is
  'How much of its numbers each sequence that does not cycle has used (0 to 1), bounded by the type of the column it feeds, the last of each day (UTC); null = it could not be read.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.sequence_use', '');

-- What other extensions count, where they are installed: only what changed, in the same packed form.
create table _wedding_dbopt.resource_sample (
  at          timestamptz not null,
  previous_at timestamptz not null,
  ids         integer[] not null,
  cpu_us      bigint[] not null,
  read_bytes  bigint[] not null,
  written_bytes bigint[] not null
) partition by range (at);
comment on table _wedding_dbopt.resource_sample is 'CPU time and real disk traffic of each statement since the sample before, from pg_stat_kcache.';
create table _wedding_dbopt.resource_sample_default partition of _wedding_dbopt.resource_sample default;
create index resource_sample_default_at on _wedding_dbopt.resource_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.resource_sample_default', '');

create table _wedding_dbopt.wait_profile_sample (
  at          timestamptz not null,
  previous_at timestamptz not null,
  period_ms   integer not null,
  queryids    bigint[] not null,
  waits       text[] not null,
  counts      bigint[] not null
) partition by range (at);
comment on table _wedding_dbopt.wait_profile_sample is 'Waits of each query id since the sample before, from pg_wait_sampling: counts of its samples, one each period_ms; query id 0 = none.';
create table _wedding_dbopt.wait_profile_sample_default partition of _wedding_dbopt.wait_profile_sample default;
create index wait_profile_sample_default_at on _wedding_dbopt.wait_profile_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.wait_profile_sample_default', '');

create table _wedding_dbopt.filter_sample (
  at          timestamptz not null,
  previous_at timestamptz not null,
  queryids    bigint[] not null,
  dbids       oid[] not null,
  relids      oid[] not null,
  attnums     smallint[] not null,
  opnos       oid[] not null,
  executions  bigint[] not null,
  filtered    bigint[] not null
) partition by range (at);
comment on table _wedding_dbopt.filter_sample is 'Which column and operator each statement filters rows by, and how many rows it threw away since the sample before, from pg_qualstats; never a constant.';
create table _wedding_dbopt.filter_sample_default partition of _wedding_dbopt.filter_sample default;
create index filter_sample_default_at on _wedding_dbopt.filter_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.filter_sample_default', '');

create unlogged table _wedding_dbopt.keyed_last (
  source   text not null,
  key      text not null,
  counters bigint[] not null,
  primary key (source, key)
) with (fillfactor = 50);
comment on table _wedding_dbopt.keyed_last is 'Counters of other extensions at their last sample, to form differences.';

create table _wedding_dbopt.replica (
  name       text primary key,
  added_at   timestamptz not null,
  fetched_at timestamptz,
  failed_at  timestamptz,
  reason     text
);
comment on table _wedding_dbopt.replica is 'Read replicas whose use of indexes and tables is fetched each hour; reason = why the last try failed.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.replica', '');

create table _wedding_dbopt.replica_dsn (
  name text primary key references _wedding_dbopt.replica on delete cascade,
  dsn  text not null
);
comment on table _wedding_dbopt.replica_dsn is 'Connection strings of the replicas, which may hold passwords: only the owner sees a row.';
alter table _wedding_dbopt.replica_dsn enable row level security;
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.replica_dsn', '');

create table _wedding_dbopt.replica_use (
  replica text not null references _wedding_dbopt.replica on delete cascade,
  relid   oid not null,
  scans   bigint not null,
  counter bigint not null,
  tuples  bigint not null,
  used_at timestamptz,
  primary key (replica, relid)
);
comment on table _wedding_dbopt.replica_use is
  'Each index and table of ours on each replica: scans there in all, its counters at the last fetch, and the last fetch that saw it used.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.replica_use', '');

create table _wedding_dbopt.replica_sample (
  at          timestamptz not null,
  previous_at timestamptz not null,
  replica     text not null,
  relids      oid[] not null,
  scans       bigint[] not null,
  tuples      bigint[] not null
) partition by range (at);
comment on table _wedding_dbopt.replica_sample is 'Scans of indexes and tables on a replica, and the rows that they read, since the fetch before; only what was used.';
create table _wedding_dbopt.replica_sample_default partition of _wedding_dbopt.replica_sample default;
create index replica_sample_default_at on _wedding_dbopt.replica_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.replica_sample_default', '');

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
  'The locks of collect(), its minute, collect_hour() and maintain(): rows, because an advisory lock is open to every role and these are not.';
insert into _wedding_dbopt.pass_lock (name) values ('collect'), ('minute'), ('hour'), ('maintain');
