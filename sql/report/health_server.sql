create or replace function _wedding_dbopt.health_server()
returns table(severity text, check_name text, object text, finding text, remedy text)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select case when age(datfrozenxid) > 1500000000 then 'critical' else 'warning' end, 'transaction_id_age', datname::text,
         format('The oldest transaction id is %s transactions old, the server stops at about 2,100,000,000: vacuum lags.',
                to_char(age(datfrozenxid), 'FM9,999,999,999')),
         'vacuum (freeze, verbose)'
  from pg_database
  where datname = current_database()
    and age(datfrozenxid) > 2 * current_setting('autovacuum_freeze_max_age')::bigint
  union all
  select 'critical', 'kill_switch', null, 'The kill switch is pulled: nothing is applied.', 'select wedding_dbopt.resume()'
  where _wedding_dbopt.setting_value('enabled') <> 'on'
$$;
comment on function _wedding_dbopt.health_server() is
  'Findings of health() on transaction ids and on our own kill switch.';
