-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.create_baseline(
  name text default null, comment text default null, time_window interval default '24 hours', at timestamptz default now()) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  chosen constant text := coalesce(create_baseline.name, format('user %s', to_char(
    create_baseline.at at time zone _wedding_dbopt.setting_value('time_zone'), 'YYYY-MM-DD HH24:MI:SS.MS')));
begin
  perform _wedding_dbopt.require(time_window > interval '0' and time_window <= interval '90 days',
    'time_window must be positive and at most 90 days', 'For example ''24 hours''.');
  perform _wedding_dbopt.require_time(create_baseline.at);
  perform _wedding_dbopt.require(length(chosen) between 1 and 200, 'name must have 1 to 200 characters', 'For example ''before the season''.');
  perform _wedding_dbopt.require(chosen !~ '^(daily|before run) ', 'names that begin with "daily " or "before run " are given automatically',
    'Choose another name.');
  perform _wedding_dbopt.require(not exists (select from _wedding_dbopt.baseline b where b.name = chosen),
    format('there is a baseline %L already', chosen), 'Choose another name, or drop_baseline(name) first.');
  perform _wedding_dbopt.store_baseline(chosen, create_baseline.comment, 'user', create_baseline.at - time_window, create_baseline.at);
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'baseline', chosen, 'kept', coalesce(create_baseline.comment, 'asked for'));
  return jsonb_build_object('success', true, 'baseline', (select to_jsonb(b) from wedding_dbopt.get_baselines(chosen) b));
end $$;
comment on function wedding_dbopt.create_baseline(text, text, interval, timestamptz) is
  'Keeps a snapshot that outlives all retention: the load of the window per statement and context, sizes and scans of tables and indexes, settings, definitions of the catalogue''s objects, connections and machine. Without a name it gets one from the time. drop_baseline() removes it; nothing else does.';
