-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. The connection strings decide where and as whom
-- we act, so only a superuser sets them.
create or replace function wedding_dbopt.set_setting(name text, value text) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  old_value text;
  allowed text[];
  secret constant boolean := coalesce(set_setting.name in ('executor_dsn', 'pgbouncer_dsn'), false);
begin
  select s.value into old_value from _wedding_dbopt.setting s where s.name = set_setting.name;
  if old_value is null or set_setting.value is null then
    raise exception 'Unknown setting % or no value', coalesce(quote_literal(name), 'null')
      using errcode = 'invalid_parameter_value', hint = 'SELECT name, value, description FROM wedding_dbopt.get_settings();';
  end if;
  if secret and not (select r.rolsuper from pg_roles r where r.rolname = session_user) then
    raise exception 'Only a superuser may set %', name using errcode = 'insufficient_privilege';
  end if;
  allowed := case
    when name in ('enabled', 'consent_human_objects') then array['on', 'off']
    when name like 'mode.%' then array['off', 'recommend', 'approve', 'auto']
    when name = 'index_judgement' then array['time', 'cost']
    when name = 'tuning_level' then array['conservative', 'moderate', 'aggressive']
  end;
  if allowed is not null and not set_setting.value = any (allowed) then
    raise exception 'The setting % takes one of %', name, array_to_string(allowed, ', ') using errcode = 'invalid_parameter_value';
  end if;
  begin
    case
      when name in ('apply_attempts', 'analysis_statements', 'actions_per_run', 'daily_actions', 'verification_min_calls', 'heavy_work_bytes', 'measure_row_limit') then
        if set_setting.value::integer < 0 then raise invalid_parameter_value; end if;
      when name in ('index_storage_budget', 'min_disk_free', 'verification_min_gain', 'verification_regression', 'verification_critical_regression', 'baseline_min_change', 'work_max_cpu', 'work_max_io_sessions', 'quiet_hour_factor', 'season_only_share', 'index_given_up', 'peak_hour_factor',
                    'retry_change', 'daily_wal', 'daily_disk') then
        if set_setting.value::numeric not between 0 and 1000 then raise invalid_parameter_value; end if;
      when name = 'time_zone' then
        perform now() at time zone set_setting.value;
      when allowed is not null or name = 'region' or secret then
        null;
      else  -- all others are lengths of time
        if set_setting.value::interval not between '0'::interval and '1000 years'::interval then raise invalid_parameter_value; end if;
    end case;
  exception when others then
    raise exception 'The setting % does not take %', name, quote_literal(set_setting.value)
      using errcode = 'invalid_parameter_value', hint = format('Its value now is %L.', old_value);
  end;
  if secret then  -- it may hold a password, and events and answers are read by others
    old_value := '(hidden)';
  end if;
  update _wedding_dbopt.setting s set value = set_setting.value where s.name = set_setting.name;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'setting', name, old_value, case when secret then '(hidden)' else set_setting.value end, 'set by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'name', name, 'value', case when secret then '(hidden)' else set_setting.value end, 'previous', old_value);
end $$;
comment on function wedding_dbopt.set_setting(text, text) is 'Changes a setting after checking its value; get_settings() lists them.';
