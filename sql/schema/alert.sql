-- Thresholds: all values are "higher is worse". What makes users wait or the service stop may become critical, the rest warns.
create table _wedding_dbopt.alert_rule (
  kind        text primary key,
  title       text not null,
  source      text not null check (source in ('load', 'sessions', 'server', 'own')),
  unit        text not null,
  warning     numeric check (warning > 0),
  critical    numeric check (critical > 0),
  enabled     boolean not null default true,
  description text not null,
  origin      text not null default 'user',
  check (coalesce(warning, critical) is not null and coalesce(warning <= critical, true))
);
comment on table _wedding_dbopt.alert_rule is
  'What is watched each minute, and from which value on it warns or is critical (null = never); source says which samples it judges. Change it with wedding_dbopt.set_alert_rule().';
create trigger keep_user_row before insert or update on _wedding_dbopt.alert_rule
  for each row execute function _wedding_dbopt.keep_user_row('kind');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.alert_rule', 'where origin = ''user''');

insert into _wedding_dbopt.alert_rule (kind, title, source, unit, warning, critical, description, origin)
select kind, title, source, unit, warning, critical, description, 'default' from (values
  ('objective_breach',    'Calls miss the objective now',          'load', 'times the budget', 6, 14.4,
   'calls of the last pass, or of five minutes, that were certainly slower than the objective, as a multiple of what the target allows'),
  ('budget_burn_fast',    'The error budget burns within days',    'load', 'times the budget', null, 14.4,
   'calls slower than the objective in the last 5 minutes and in the last hour, as a multiple of what the target allows'),
  ('budget_burn',         'The error budget burns within a week',  'load', 'times the budget', null, 6,
   'the same in the last 30 minutes and in the last 6 hours'),
  ('budget_burn_slow',    'The error budget will not last',        'load', 'times the budget', 1, null,
   'the same in the last 6 hours and in the last 3 days'),
  ('surge',               'A surge of traffic',                    'load', 'times the usual', 10, null,
   'calls of a context against what its profile expects; below the warning it is for information'),
  ('statement_regression', 'A statement became slower',            'load', 'times its usual', 2, 5,
   'milliseconds (or blocks) per call of a heavy statement against its own last day, when Welch''s test tells them apart'),
  ('new_statement',       'A new statement takes much time',       'load', '% of all time', 10, null,
   'share of the time of a pass taken by a statement that was first seen in the last 15 minutes'),
  ('evictions',           'Statements are forgotten',              'load', 'in an hour', 1, null,
   'how often pg_stat_statements threw out entries in the last hour, while it still does'),
  ('statements_full',     'The room for statements is nearly full', 'load', '%', 90, null,
   'entries of pg_stat_statements against pg_stat_statements.max'),
  ('connections',         'Connections run out',                   'sessions', '%', 80, 95,
   'most connections within the minute against those that ordinary roles may have'),
  ('pile_up',             'Active sessions pile up',               'sessions', 'times the usual', 4, null,
   'most active sessions within the minute against the average of the hour before'),
  ('idle_in_transaction', 'A session idles inside a transaction',  'sessions', 's', 120, 900,
   'how long a session has been idle in a transaction that holds locks or dead rows'),
  ('lock_waits',          'Sessions wait for a lock',              'sessions', 's', 5, 30,
   'longest wait for a lock within the minute; ten sessions waiting for more than a second are critical too'),
  ('rollbacks',           'Transactions are rolled back',          'server', '%', 1, 10,
   'share of transactions that were rolled back, certainly more than chance'),
  ('deadlocks',           'Deadlocks',                             'server', 'in 5 minutes', 1, 20,
   'deadlocks in the last five minutes'),
  ('cache_misses',        'The cache collapses',                   'server', '%', 10, null,
   'share of blocks read from outside shared_buffers, when it is ten times that of the hour before, or in two passes five times'),
  ('disk_used',           'The disk is nearly full',               'server', '%', 85, 95,
   'used share of the data disk, or of another one with the WAL or a tablespace'),
  ('disk_filling',        'The disk is filling',                   'server', '% of what is free in 4 hours', 20, 100,
   'what the pace of the last hour takes from the free space in four hours: 100 = full in four hours'),
  ('cpu',                 'The processors are saturated',          'server', '%', 90, null,
   'least CPU use in the last five minutes'),
  ('memory',              'Memory runs out',                       'server', '%', 90, 97,
   'memory that is not available'),
  ('checkpoints',         'Checkpoints storm',                     'server', 'in 10 minutes', 3, null,
   'checkpoints that were requested because max_wal_size was reached'),
  ('wraparound',          'Transaction ids run out',               'server', '%', 40, 70,
   'age of the oldest transaction id or multixact against where the server stops'),
  ('standby_lag',         'A standby lags behind',                 'server', 's', 60, 900,
   'how far a connected standby''s replay is behind'),
  ('slot_retention',      'A replication slot keeps WAL',          'server', '% of the free disk', 25, 75,
   'WAL that an inactive slot keeps against the free disk; a slot that lost WAL is critical'),
  ('collection',          'Nothing is collected',                  'own', 'minutes', 3, 15,
   'time since the last pass'),
  ('collector_source',    'A source of the collector fails',       'own', 'passes', 3, null,
   'failures of a source in the last five minutes'),
  ('action_failed',       'A change failed or was undone',         'own', 'actions', 1, null,
   'actions of the tuner that failed or were rolled back in the last hour; a rollback is for information')
) as defaults (kind, title, source, unit, warning, critical, description);

create table _wedding_dbopt.alert (
  id              bigint generated always as identity primary key,
  key             text not null,
  kind            text not null,
  severity        text not null check (severity in ('info', 'warning', 'critical')),
  context         text,
  object          text,
  opened_at       timestamptz not null,
  updated_at      timestamptz not null,
  resolved_at     timestamptz,
  acknowledged_by text,
  acknowledged_at timestamptz,
  acknowledged_reason text,
  value           numeric not null,
  peak            numeric not null,
  threshold       numeric not null,
  message         text not null,
  suspect         jsonb not null default '[]',
  count           integer not null default 1,
  reopened        integer not null default 0
);
comment on table _wedding_dbopt.alert is
  'What went wrong and when: one open alert per key. updated_at is the last pass that saw it, count the number of those; reopened counts the alerts of the same key shortly before, which make it stay open longer; suspect names who is to blame, most likely first.';
create unique index alert_open on _wedding_dbopt.alert (key) where resolved_at is null;
create index alert_resolved on _wedding_dbopt.alert (resolved_at);
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.alert', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.alert_id_seq', '');

create type _wedding_dbopt.alert_signal as (
  kind text, object text, context text, severity text, value float8, threshold numeric, message text, evidence jsonb
);
comment on type _wedding_dbopt.alert_signal is
  'What a check sees in a pass. Severity ''fading'' opens no alert but keeps an open one open: the value is less than a fifth below its threshold.';

-- Its row is locked while alerts are evaluated, so that a pass and a tick do not do it at once.
create unlogged table _wedding_dbopt.alert_clock (
  evaluated_at timestamptz not null
);
comment on table _wedding_dbopt.alert_clock is 'When alerts were evaluated last; empty before the first time and after a crash.';

create unlogged table _wedding_dbopt.open_transaction (
  at            timestamptz not null,
  pid           integer not null,
  role          text,
  application   text,
  queryid       bigint,
  idle_s        float8 not null,
  transaction_s float8 not null,
  xmin_age      bigint,
  locks         integer not null
);
comment on table _wedding_dbopt.open_transaction is
  'Sessions that a pass of the last ten minutes found idle inside a transaction for long: a minute or so later they are alerts.';

create unlogged table _wedding_dbopt.statement_usual (
  statement_id    integer primary key,
  calls_per_minute float8 not null,
  mean_ms         float8 not null,
  mean_spread     float8 not null,
  call_spread     float8 not null,
  blocks          float8 not null,
  blocks_spread   float8 not null,
  hours           integer not null
) with (fillfactor = 45);  -- each hour nearly all of them change, inside their page
comment on table _wedding_dbopt.statement_usual is
  'What the heavy statements usually do, from the hours of the last day, made anew each hour: medians over the hours, so that a bad one does not become usual at once; the spreads are between hours and between calls.';
