-- Commits between its steps, so it carries no SET: every name in it is qualified. Nothing Python is loaded by an idle tick.
create or replace procedure wedding_dbopt.tick(at timestamptz default null)
language plpgsql security invoker as $$
declare
  moment timestamptz := coalesce(tick.at, pg_catalog.clock_timestamp());
begin
  if pg_catalog.pg_is_in_recovery() then
    return;
  end if;
  if exists (select from _wedding_dbopt.statement s where s.classified_at is null) then
    perform _wedding_dbopt.classify_statements();
    commit;
  end if;
  if _wedding_dbopt.tuning_due(moment) then
    insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode)
    select 'schedule', session_user, moment, _wedding_dbopt.setting_value('tuning_level'),
           (wedding_dbopt.get_season(moment) ->> 'is_wedding_season')::boolean;
    commit;
  end if;
  if exists (select from _wedding_dbopt.tuning_run r where r.state in ('queued', 'running')) then
    call _wedding_dbopt.process_queued_runs(moment);
  end if;
  if exists (select from _wedding_dbopt.action a
             where a.state in ('approved', 'applying', 'verifying') or a.rollback_requested)
     or exists (select from _wedding_dbopt.tuning_run r where r.state = 'verifying') then
    call wedding_dbopt.process_actions(tick.at);
  end if;
end $$;
comment on procedure wedding_dbopt.tick(timestamptz) is
  'The heartbeat, once a minute: classifies new statements, starts a tuning run when one is due (every 4 h in season, 12 h off season), applies and judges actions.';
