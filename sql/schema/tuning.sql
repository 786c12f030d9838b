create table _wedding_dbopt.tuning_run (
  id           bigint generated always as identity primary key,
  trigger      text not null check (trigger in ('schedule', 'rpc', 'call', 'surge', 'season')),
  requested_by text not null,
  requested_at timestamptz not null,
  level        text not null check (level in ('conservative', 'moderate', 'aggressive')),
  season_mode  boolean not null,
  seasons      text[] not null default '{}',
  options      jsonb not null default '{}',
  state        text not null default 'queued' check (state in ('queued', 'running', 'verifying', 'finished', 'failed')),
  started_at   timestamptz,
  finished_at  timestamptz,
  statements_considered integer,
  statements_skipped    jsonb not null default '[]',
  explain_calls integer,
  baseline_id  bigint references _wedding_dbopt.baseline on delete set null,
  error_sqlstate text,
  error         text
);
comment on table _wedding_dbopt.tuning_run is 'One tuning: who asked, at which level, what it looked at and how it ended.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.tuning_run', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.tuning_run_id_seq', '');

create table _wedding_dbopt.recommendation (
  id           bigint generated always as identity primary key,
  fingerprint  text not null unique,
  run_id       bigint references _wedding_dbopt.tuning_run,
  kind         text not null,
  object_kind  text not null default 'index',
  schema_name  text,
  table_name   text,
  object_name  text,
  columns      text[] not null default '{}',
  index_type   text,
  where_clause text,
  details      jsonb not null default '{}',
  sql          text[] not null,
  final_sql    text[] not null default '{}',
  rollback_sql text[] not null default '{}',
  locks        text not null default '',
  safety       text not null default 'auto' check (safety in ('auto', 'consent', 'manual')),
  risk         text not null default 'low' check (risk in ('low', 'medium', 'high')),
  season       text,
  goal         text not null default 'gain' check (goal in ('gain', 'no harm')),
  estimated_bytes bigint,
  estimated_gain_ms numeric,
  estimated_improvement numeric,
  stated_improvement numeric,
  benefits     jsonb not null default '[]',
  write_cost   numeric,
  context      text not null,
  criticality  text not null,
  priority     text not null,
  confidence   numeric,
  stated_confidence numeric,
  proof        text,
  reason       text not null,
  status       text not null default 'open' check (status in ('open', 'taken', 'withdrawn', 'expired')),
  status_reason text,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  expires_at   timestamptz not null
);
comment on table _wedding_dbopt.recommendation is
  'Ideas: what should be done and why. kind is an action type, or another word for what only people do. estimated_gain_ms is per hour of the observed workload, estimated_improvement in percent of the planner''s cost of the statements served.';
comment on column _wedding_dbopt.recommendation.sql is 'The statements of the deed, run one by one, each outside a transaction block.';
comment on column _wedding_dbopt.recommendation.final_sql is 'Statements that are run once the deed was judged good, as the drop of an index that was hidden first.';
comment on column _wedding_dbopt.recommendation.safety is 'auto = may be applied by itself in mode auto; consent = somebody must approve, whatever the mode; manual = never applied by us.';
comment on column _wedding_dbopt.recommendation.goal is 'What the verdict asks for: gain = a measured one; no harm = it is kept unless something gets worse.';
comment on column _wedding_dbopt.recommendation.stated_improvement is
  'estimated_improvement before it was corrected by how past estimates held (get_calibration); so is stated_confidence.';
comment on column _wedding_dbopt.recommendation.season is 'The season to which it is bound; null = the whole year.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.recommendation', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.recommendation_id_seq', '');

create table _wedding_dbopt.action (
  id            bigint generated always as identity primary key,
  run_id        bigint references _wedding_dbopt.tuning_run,
  recommendation_id bigint references _wedding_dbopt.recommendation,
  action_type   text not null check (action_type in (
    'index_creation', 'index_drop', 'index_renewal', 'reindex', 'statistics', 'vacuum', 'table_setting', 'parameter_adjustment',
    'cache_optimization', 'query_rewrite', 'connection_scaling')),
  state         text not null check (state in ('proposed', 'approved', 'applying', 'verifying', 'kept', 'rolled_back', 'failed', 'withdrawn', 'expired')),
  phase         text not null default 'safe' check (phase in ('safe', 'season', 'moderate', 'aggressive')),
  object_kind   text not null default 'index',
  schema_name   text,
  table_name    text,
  object_name   text,
  details       jsonb not null default '{}',
  season        text,
  goal          text not null default 'gain' check (goal in ('gain', 'no harm')),
  description   text not null,
  sql           text[] not null,
  final_sql     text[] not null default '{}',
  rollback_sql  text[] not null,
  locks         text not null,
  image_before  text,
  image_after   text,
  wedding_context text not null,
  criticality   text not null,
  estimated_impact numeric,
  estimated_bytes  bigint,
  measured_impact  numeric,
  measured_bytes   bigint,
  measured_wal     bigint,
  worked_ms        float8,
  verdict       text,
  retry_basis   jsonb,
  looks         integer not null default 0,
  looked_at     timestamptz,
  impact_low    numeric,
  impact_high   numeric,
  judgement     jsonb,
  rollback_requested boolean not null default false,
  season_over_at timestamptz,
  proved_as     bigint references _wedding_dbopt.action,
  attempts      integer not null default 0,
  next_attempt_at timestamptz,
  created_at    timestamptz not null,
  started_at    timestamptz,
  applied_at    timestamptz,
  finished_at   timestamptz,
  error_sqlstate text,
  error         text
);
comment on table _wedding_dbopt.action is
  'Deeds: the exact SQL, the SQL that undoes it (stored first), the state, and what was estimated against what was measured (percent).';
comment on column _wedding_dbopt.action.image_before is
  'What the catalogue said of the object before the deed; after a rollback it must say the same.';
comment on column _wedding_dbopt.action.proved_as is 'The action of an earlier season that did the same and was judged good: this one is not judged again.';
comment on column _wedding_dbopt.action.season_over_at is 'Undone because its season was over; it comes back before the next one.';
comment on column _wedding_dbopt.action.retry_basis is
  'Rows and load when the action was undone; it is not tried again until one of them has changed by retry_change.';
comment on column _wedding_dbopt.action.judgement is
  'What the last look rests on: p-value and calls of the gain, gain in blocks, drift and number of the control statements, same hours, what is missing.';
comment on column _wedding_dbopt.action.looks is
  'How often it was judged; each look spends a part of the error that is allowed to all. impact_low and impact_high are the interval (95 %) of measured_impact.';
create index action_due on _wedding_dbopt.action (state) where state in ('approved', 'applying', 'verifying');
create index action_run on _wedding_dbopt.action (run_id);
create index action_recommendation on _wedding_dbopt.action (recommendation_id);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.action', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.action_id_seq', '');

create table _wedding_dbopt.table_mode (
  table_key   text not null,
  action_type text not null,
  mode        text not null check (mode in ('off', 'recommend', 'approve', 'auto')),
  primary key (table_key, action_type)
);
comment on table _wedding_dbopt.table_mode is
  'Modes of single tables, which stand above the setting mode.<action type>; action_type all = every type. Change them with set_table_mode().';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.table_mode', '');

create table _wedding_dbopt.verification (
  action_id      bigint not null references _wedding_dbopt.action on delete cascade,
  statement_id   integer not null,
  role           text not null check (role in ('affected', 'written', 'control')),
  judged_at      timestamptz not null,
  before_calls   bigint not null,
  before_ms      float8,
  before_sd_ms   float8,
  before_blocks  float8,
  after_calls    bigint not null,
  after_ms       float8,
  after_sd_ms    float8,
  after_blocks   float8,
  before_wal     float8,
  after_wal      float8,
  time_change    float8,
  time_low       float8,
  time_high      float8,
  blocks_change  float8,
  p_value        float8,
  verdict        text not null,
  primary key (action_id, statement_id)
);
comment on table _wedding_dbopt.verification is
  'Judgement per statement: milliseconds and blocks per call before and after; changes are ratios minus one, time corrected by the control group, with its interval (95 %).';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.verification', '');

create table _wedding_dbopt.event (
  id        bigint generated always as identity primary key,
  at        timestamptz not null,
  actor     text not null,
  subject   text not null check (subject in ('action', 'tuning_run', 'setting', 'context_rule', 'schedule', 'recommendation', 'baseline', 'replica', 'finding', 'objective', 'alert', 'alert_rule', 'freeze')),
  subject_id text,
  from_state text,
  to_state   text,
  reason     text not null
);
comment on table _wedding_dbopt.event is 'Every transition and decision: when, by whom, from which state to which, and why.';
create index event_subject on _wedding_dbopt.event (subject, subject_id);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.event', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.event_id_seq', '');
