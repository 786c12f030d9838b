create or replace function _wedding_dbopt.take_run_baseline(run_id bigint, at timestamptz) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  update _wedding_dbopt.tuning_run r
  set baseline_id = _wedding_dbopt.store_baseline(format('before run %s', r.id), null, 'tuning_run',
        take_run_baseline.at - _wedding_dbopt.setting_value('workload_window')::interval, take_run_baseline.at)
  where r.id = take_run_baseline.run_id
$$;
comment on function _wedding_dbopt.take_run_baseline(bigint, timestamptz) is 'Keeps how things were before a tuning run changes anything.';
