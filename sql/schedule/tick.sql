-- Commits between its steps, so it carries no SET: every name in it is qualified. Nothing Python is loaded by an idle tick.
create or replace procedure wedding_dbopt.tick(at timestamptz default null)
language plpgsql security invoker as $$
declare
  moment timestamptz := coalesce(tick.at, pg_catalog.clock_timestamp());
begin
  if pg_catalog.pg_is_in_recovery() then
    return;
  end if;
  perform _wedding_dbopt.require_time(moment);
  perform _wedding_dbopt.cancel_stuck_pass(moment);
  if tick.at is null and _wedding_dbopt.pass_missed(moment) then  -- the session that collects was killed, or has not begun
    commit;
    call wedding_dbopt.collect(moment);
    commit;
  end if;
  if _wedding_dbopt.alerts_overdue(moment) then
    perform _wedding_dbopt.tick_step('evaluate_alerts', moment);
    commit;
  end if;
  if _wedding_dbopt.pending('statements') then
    perform _wedding_dbopt.tick_step('classify_statements', moment);
    perform _wedding_dbopt.tick_step('refresh_changed_contexts', moment);
    commit;
  end if;
  perform _wedding_dbopt.tick_step('withdraw_equalled', moment);
  perform _wedding_dbopt.tick_step('note_gone_indexes', moment);
  commit;
  if _wedding_dbopt.pending('actions') then  -- before a run, which may take its time
    call wedding_dbopt.process_actions(tick.at);
  end if;
  perform _wedding_dbopt.tick_step('turn_season', moment);
  perform _wedding_dbopt.tick_step('queue_surge_run', moment);
  perform _wedding_dbopt.tick_step('queue_scheduled_run', moment);
  commit;
  if _wedding_dbopt.pending('runs') then
    call _wedding_dbopt.process_queued_runs(moment);
    call wedding_dbopt.process_actions(tick.at);
  end if;
  if _wedding_dbopt.pending('readiness') then  -- after the runs, whose recommendations it prices
    call _wedding_dbopt.process_readiness(moment);
  end if;
end $$;
comment on procedure wedding_dbopt.tick(timestamptz) is
  'The heartbeat, once a minute: takes a pass when the session that should is gone, classifies statements that are new or whose rules changed, starts a tuning run when one is due (every 4 h in season, 12 h off season) or a context surges, applies and judges actions, and takes season-only ones away and brings them back. A step that fails before that is logged and does not stop the others.';
