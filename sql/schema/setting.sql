create table _wedding_dbopt.setting (
  name        text primary key,
  value       text not null,
  description text not null,
  origin      text not null default 'user'
);
comment on table _wedding_dbopt.setting is 'Settings of the extension; change them with wedding_dbopt.set_setting(name, value).';
-- The connection string may hold a password: only the owner sees its row.
alter table _wedding_dbopt.setting enable row level security;
create policy no_secrets on _wedding_dbopt.setting for select using (name <> 'executor_dsn');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.setting', 'where origin = ''user''');

insert into _wedding_dbopt.setting (name, value, description, origin)
select name, value, description, 'default' from (values
  ('enabled',                    'on',         'off = the kill switch is pulled: nothing is applied, a running build is cancelled'),
  ('mode.index_creation',        'auto',       'off | recommend | approve | auto: what may happen with an index that is recommended'),
  ('tuning_level',               'moderate',   'conservative | moderate | aggressive: level of the scheduled tuning'),
  ('tuning_interval_off_season', '12 hours',   'time between two scheduled tuning runs when no season with an interval of its own is on'),
  ('time_zone',                  'UTC',        'time zone of the calendar: season dates and local hours'),
  ('region',                     'default',    'which rows of the season calendar apply'),
  ('relations_interval',         '0 minutes',  'time between two samples of tables and indexes; 0 = in each pass'),
  ('sessions_interval',          '10 s',       'time between two samples of the sessions inside a minute; 0 = only one with each pass'),
  ('pass_time_limit',            '20 s',       'a pass older than this begins no further source, and the next tick cancels the source it is in'),
  ('raw_retention',              '24 hours',   'age after which partitions of raw samples are dropped (whole days)'),
  ('hourly_retention',           '90 days',    'age after which hourly roll-ups are dropped'),
  ('daily_retention',            '3 years',    'age after which daily roll-ups are dropped'),
  ('baseline_retention',         '90 days',    'age after which automatic baselines are dropped; those that somebody made stay'),
  ('baseline_min_change',        '0.05',       'a comparison of baselines calls no smaller change than this share significant'),
  ('alert_calm',                 '3 minutes',  'an alert is resolved when nothing was seen of it for this time; twice as long each time it came back within the hour'),
  ('alert_retention',            '1 year',     'age after which resolved alerts are deleted'),
  ('cron_log_retention',         '3 days',     'age after which the run log of our own pg_cron jobs is pruned'),
  ('lock_timeout',               '2s',         'longest wait for a lock by a statement of ours that changes the database'),
  ('concurrent_lock_timeout',    '60s',        'longest wait of a concurrent build for older transactions; waiting blocks nobody'),
  ('retry_after_rollback',       '30 days',    'an action that was rolled back is not tried again before this time has passed'),
  ('recommendation_lifetime',    '35 days',    'a recommendation that is not confirmed by a later run expires after this time'),
  ('apply_attempts',             '3',          'how often an action is tried before it is failed'),
  ('apply_retry_delay',          '5 minutes',  'wait between two tries of an action'),
  ('long_transaction_limit',     '5 minutes',  'a transaction older than this makes a concurrent build wait for a later tick'),
  ('work_max_cpu',               '80',         'percent of CPU in the last half hour above which no heavy work begins'),
  ('work_max_io_sessions',       '4',          'sessions that waited for I/O on average in the last half hour above which no heavy work begins'),
  ('heavy_work_bytes',           '8000000',    'work on a table of this size or more is heavy: it waits for a quiet hour'),
  ('quiet_hour_factor',          '0.75',       'an hour of the week with at most this share of the mean load is quiet: heavy work may begin'),
  ('peak_hour_factor',           '1.25',       'an hour of the week with at least this multiple of the mean load is a peak'),
  ('analysis_time_limit',        '30 s',       'time limit of the search for indexes in a tuning run'),
  ('analysis_statements',        '60',         'number of statements, by weight, that a tuning run considers'),
  ('workload_window',            '24 hours',   'how far back a tuning run looks at the collected workload'),
  ('workload_min_history',       '1 hour',     'once this much is collected after our last change, only what is younger than the change counts'),
  ('index_storage_budget',       '0.25',       'indexes of one tuning run may take this share of the size of the tables they are on'),
  ('actions_per_run',            '30',         'most actions that one tuning run may enqueue for applying'),
  ('min_disk_free',              '0.10',       'share of the data disk that must stay free after a build'),
  ('verification_min_calls',     '50',         'calls of a statement needed before and after a change for a verdict'),
  ('verification_min_window',    '30 minutes', 'shortest time after a change before it is judged kept'),
  ('verification_max_window',    '72 hours',   'after this time without enough data an action is judged on what there is'),
  ('verification_min_gain',      '0.05',       'an action that gains less than this share of the affected time is rolled back'),
  ('verification_regression',    '0.10',       'an action that makes a statement worse by more than this share is rolled back'),
  ('findings_time_limit',        '2 s',        'findings() begins no further check after this time, or after half of the caller''s statement_timeout'),
  ('unused_index_window',        '35 days',    'an index without a scan for this time, with a fortnight of each season in it, is reported as unused'),
  ('executor_dsn',               '',           'connection string of the extension''s own connection; empty = the server''s unix socket as the extension''s owner')
) as defaults (name, value, description);
