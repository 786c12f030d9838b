-- The dictionary of statements. The texts stand apart, behind row security, because they may reveal data.
create table _wedding_dbopt.statement (
  id           integer generated always as identity primary key,
  queryid      bigint  not null,
  dbid         oid     not null,
  userid       oid     not null,
  toplevel     boolean not null,
  first_seen   timestamptz not null,
  own          boolean not null default false,
  resets       boolean not null default false,
  unread       boolean not null default false,
  kind         text,
  tables       text[],
  context      text,
  contexts     text[],
  criticality  text,
  confidence   real,
  tags         text[],
  indirect     boolean not null default false,
  classified_at timestamptz,
  needs_constants boolean not null default false,
  lower_bounds smallint[],
  parse_error  text,
  unique (queryid, dbid, userid, toplevel)
) with (fillfactor = 80);  -- each row is updated once, when it is classified
comment on table _wedding_dbopt.statement is
  'Each normalised statement once: its identity in pg_stat_statements and what its parse tree says (tables, context, criticality). contexts: all that it touches, the primary one first, if there are several. resets: it calls pg_stat_statements_reset. unread: its text could not be read yet.';
create index statement_resets on _wedding_dbopt.statement (id) where resets;
create index statement_unread on _wedding_dbopt.statement (id) where unread;
create index statement_needs_constants on _wedding_dbopt.statement (queryid) where needs_constants;
create index statement_lower_bounds on _wedding_dbopt.statement (queryid) where lower_bounds is not null;
comment on column _wedding_dbopt.statement.lower_bounds is 'Parameters that a column must not lie below and that may be dates: how old these are is looked at.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement_id_seq', '');

-- PostgreSQL compresses no row below two kilobytes, and most texts are: 16 in a row take a seventh. Statements that are new in
-- one pass share a row, so a chunk may have several; each is written once.
create table _wedding_dbopt.text_chunk (
  chunk   integer   not null,  -- no foreign key to the statements: it would lock and log each row of a first pass of thousands
  ids     integer[] not null,
  queries text[]    not null
);
create index text_chunk_chunk on _wedding_dbopt.text_chunk (chunk);
comment on table _wedding_dbopt.text_chunk is 'Normalised texts of neighbouring statements, packed; rows are visible to members of pg_read_all_stats only.';
alter table _wedding_dbopt.text_chunk enable row level security;
create policy read_all_stats on _wedding_dbopt.text_chunk for select
  using (pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage'));
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.text_chunk', '');

create table _wedding_dbopt.observed_text (
  statement_id integer primary key,
  query        text not null
);
comment on table _wedding_dbopt.observed_text is 'Texts with the constants of full-text expressions, which an index needs; rows are visible to members of pg_read_all_stats only.';
alter table _wedding_dbopt.observed_text enable row level security;
create policy read_all_stats on _wedding_dbopt.observed_text for select
  using (pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage'));
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.observed_text', '');

create table _wedding_dbopt.bound_age (
  day          date        not null,
  statement_id integer     not null,
  parameter    smallint    not null,
  seen         integer     not null,
  most_days    float8,
  seen_at      timestamptz not null,
  primary key (day, statement_id, parameter)
);
comment on table _wedding_dbopt.bound_age is
  'How many days before the moment the earliest dates lay that a statement asked for, the greatest of each day (UTC) and how often it was looked at. No constant is kept. Parameter 0: a text was looked at that told nothing.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.bound_age', '');

create view _wedding_dbopt.statement_text with (security_invoker = true) as
  select packed.statement_id, packed.query, observed.query as observed_query
  from (select pg_catalog.unnest(ids) as statement_id, pg_catalog.unnest(queries) as query from _wedding_dbopt.text_chunk) as packed
  left join _wedding_dbopt.observed_text as observed on observed.statement_id = packed.statement_id;
comment on view _wedding_dbopt.statement_text is
  'All texts, for who reads many; statement_query() reads one. Rows are visible to members of pg_read_all_stats only.';

-- The counters of the last pass. Unlogged: after a crash the next pass is a new base line, marked incomplete.
-- No index at all, so it does not matter which page an update goes to; no NOT NULL, because
-- checking it for each column of each row is a twentieth of a pass in which half of the statements changed.
create unlogged table _wedding_dbopt.statement_last (
  queryid  bigint, calls bigint, exec_ms float8, dbid oid, userid oid,
  id       integer, toplevel boolean,
  exec_sq  float8, plan_ms float8, max_ms float8, min_ms float8,
  rows     bigint, hit bigint, read bigint, dirtied bigint, written bigint,
  temp_read bigint, temp_written bigint, read_ms float8, write_ms float8,
  wal_bytes bigint, stats_since timestamptz
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.3);
comment on table _wedding_dbopt.statement_last is 'Counters of pg_stat_statements at the last pass, to form interval differences.';

-- Which pass those counters are of. Where a clock was set back, it is not the one with the latest time.
create unlogged table _wedding_dbopt.statement_pass (
  at          timestamptz not null,
  tells       text[] not null,
  stats_reset timestamptz,
  dealloc     bigint,
  entries     integer not null,
  counted     boolean not null
);
comment on table _wedding_dbopt.statement_pass is
  'One row: the pass that statement_last is of; which of the columns that tell how entries began pg_stat_statements had, its reset, evictions and entries, and whether statements were counted at all.';

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

-- Roll-ups: what a chunk of neighbouring statements (128 ids) did in an hour or a day, as parallel arrays in the order of ids.
-- A chunk is small enough for a trend of one statement to read little, and large enough to pack well.
create table _wedding_dbopt.statement_hour (
  hour      timestamptz not null,
  chunk     integer   not null,
  ids       integer[] not null,
  calls     bigint[]  not null,
  exec_us   bigint[]  not null,
  exec_sq   real[]    not null,
  rows      bigint[],
  hit       bigint[],
  read      bigint[],
  temp_written bigint[],
  wal_bytes bigint[],
  primary key (chunk, hour)
);
create index statement_hour_hour on _wedding_dbopt.statement_hour (hour);
comment on table _wedding_dbopt.statement_hour is
  'Hourly sums of statement_sample, packed by chunks of 128 ids; a metric that is zero for the whole chunk is null.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement_hour', '');

create table _wedding_dbopt.statement_day (
  day       timestamptz not null,
  chunk     integer   not null,
  ids       integer[] not null,
  calls     bigint[]  not null,
  exec_us   bigint[]  not null,
  exec_sq   real[]    not null,
  rows      bigint[],
  hit       bigint[],
  read      bigint[],
  temp_written bigint[],
  wal_bytes bigint[],
  primary key (chunk, day)
);
create index statement_day_day on _wedding_dbopt.statement_day (day);
comment on table _wedding_dbopt.statement_day is
  'Daily sums of statement_hour, packed as it is; day is the first full hour of a day of the setting time_zone.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement_day', '');

-- Most pages ask for the last 24 hours, and 23 closed hours are always part of them: summed once an hour, not at each reading. Others
-- ask for 30 days, and 29 closed days are part of them: summed once a day.
-- Unlogged, because it can be made again from statement_hour, and its WAL would be a quarter of the collection's.
create unlogged table _wedding_dbopt.statement_recent (
  days      boolean not null,
  chunk     integer not null,
  since     timestamptz not null,
  until     timestamptz not null,
  passes    bigint not null,
  ids       integer[] not null,
  calls     bigint[]  not null,
  exec_us   bigint[]  not null,
  exec_sq   real[]    not null,
  rows      bigint[],
  hit       bigint[],
  read      bigint[],
  temp_written bigint[],
  wal_bytes bigint[],
  primary key (days, chunk)
) with (fillfactor = 40);  -- each row is updated each hour, or each day: inside its page
comment on table _wedding_dbopt.statement_recent is
  'The sum of the last 23 closed hours and, days, of the last 29 closed days, packed as statement_hour is. It stands for them while rolled_hour counts the same passes in (since, until].';

-- Compressed however small, but in the row: half the bytes, and no second read.
do $$
declare
  packed record;
begin
  alter table _wedding_dbopt.statement_hour set (toast_tuple_target = 128);
  alter table _wedding_dbopt.statement_day set (toast_tuple_target = 128);
  alter table _wedding_dbopt.statement_recent set (toast_tuple_target = 128);
  for packed in
    select attrelid::regclass as relation, attname from pg_catalog.pg_attribute
    where attrelid in ('_wedding_dbopt.statement_hour'::regclass, '_wedding_dbopt.statement_day'::regclass, '_wedding_dbopt.statement_recent'::regclass)
      and attndims > 0
  loop
    execute pg_catalog.format('alter table %s alter %I set storage main', packed.relation, packed.attname);
  end loop;
end $$;

-- What a roll-up rests on. A pass that comes in late changes the number of passes, and the slot is summed again.
create table _wedding_dbopt.rolled_hour (
  hour       timestamptz primary key,
  passes     integer not null,
  observed_s float8  not null,
  complete   boolean not null
);
comment on table _wedding_dbopt.rolled_hour is
  'Each hour that is rolled up: its passes, the seconds they observed, and whether none of them hides calls.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.rolled_hour', '');

create table _wedding_dbopt.rolled_day (
  day    timestamptz primary key,
  until  timestamptz not null,
  passes integer not null
);
comment on table _wedding_dbopt.rolled_day is
  'Each day that is rolled up: the moment it ends, which the time zone of that time decided, and the passes of its hours.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.rolled_day', '');

-- The same load by business context, small enough to be read at every page view: one row per pass and context that ran.
create table _wedding_dbopt.context_sample (
  at          timestamptz not null,
  previous_at timestamptz,
  context     text   not null,
  calls       bigint not null,
  exec_ms     float8 not null,
  exec_sq     float8 not null,
  rows        bigint not null,
  hit         bigint not null,
  read        bigint not null,
  above       float8,
  above_low   bigint,
  above_high  bigint
) partition by range (at);
comment on table _wedding_dbopt.context_sample is
  'What each business context did in a pass. above is the estimated number of calls slower than the objective of that time, which lies for certain between above_low and above_high; null without an objective.';
create table _wedding_dbopt.context_sample_default partition of _wedding_dbopt.context_sample default;
create index context_sample_default_at on _wedding_dbopt.context_sample_default (at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.context_sample_default', '');

create table _wedding_dbopt.context_hour (
  hour       timestamptz not null,
  context    text   not null,
  calls      bigint not null,
  exec_ms    float8 not null,
  exec_sq    float8 not null,
  rows       bigint not null,
  hit        bigint not null,
  read       bigint not null,
  above      float8,
  above_low  bigint,
  above_high bigint,
  primary key (hour, context)
);
comment on table _wedding_dbopt.context_hour is
  'Hourly sums by business context, kept as long as the daily roll-ups: the load comes from statement_hour, the calls above the objective from context_sample.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.context_hour', '');
