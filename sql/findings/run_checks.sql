-- PostgreSQL starts statement_timeout with the client's statement, so no check can be given a limit of its own; the runner
-- begins no further one when the time for all is over, or half of what the caller's statement_timeout allows. The order is
-- that of finding_kinds(), so on a machine that is overrun the danger and the sessions are looked at before questions of style.
create or replace function _wedding_dbopt.run_checks(at timestamptz, checks text[] default null) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  allowed  constant interval := current_setting('statement_timeout')::interval / 2;
  deadline constant timestamptz := least(
    clock_timestamp() + _wedding_dbopt.setting_value('findings_time_limit')::interval,
    case when allowed > interval '0' then statement_timestamp() + allowed end);
  name     text;
  found    _wedding_dbopt.finding[];
  late     text[] := array[]::text[];
begin
  for name in select known.check_name from wedding_dbopt.finding_kinds() with ordinality
      as known (kind, check_name, title, action_type, auto, everywhere, place)
    where known.check_name <> 'run_checks' and (run_checks.checks is null or known.check_name = any (run_checks.checks))
    group by known.check_name order by min(known.place)
  loop
    if clock_timestamp() > deadline then
      late := late || name;
      continue;
    end if;
    begin
      execute format('select array_agg(item) from _wedding_dbopt.%I($1) as item', name) into found using run_checks.at;
      return query select item.* from unnest(found) as item;
    exception when others then
      return query select 'check_failed', 'warning', name, null::oid, null::integer[], null::text,
        format('The check %s gave nothing: %s', name, sqlerrm), jsonb_build_object('sqlstate', sqlstate, 'message', sqlerrm), null::text;
    end;
  end loop;
  if cardinality(late) > 0 then
    return query select 'checks_not_run', 'warning', 'findings', null::oid, null::integer[], null::text,
      format('The time for all checks was over before these began: %s.', array_to_string(late, ', ')), jsonb_build_object('checks', late),
      format('select wedding_dbopt.set_setting(''findings_time_limit'', %L)',
             2 * _wedding_dbopt.setting_value('findings_time_limit')::interval);
  end if;
  if not pg_has_role(current_user, 'pg_read_all_stats', 'usage') then
    return query select 'limited_view', 'info', current_user::text, null::oid, null::integer[], null::text,
      'This role may not see other roles'' sessions, statements and statistics, so findings about them are missing.', '{}'::jsonb,
      format('grant pg_monitor to %I', current_user);
  end if;
end $$;
comment on function _wedding_dbopt.run_checks(timestamptz, text[]) is
  'Runs every check of finding_kinds(), or those that are named, each in a subtransaction of its own: one that fails is itself a finding and the rest stay.';
