-- One step of maintain() or collect_hour(), which commit behind it and so cannot hold what is said once for all of them: the
-- row that keeps two runs apart, the subtransaction that keeps a failing step to itself, and the log.
create or replace function _wedding_dbopt.run_step(run text, step text, routine text, at timestamptz) returns boolean
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  source  constant text := run_step.run || ': ' || run_step.step;
  started constant timestamptz := clock_timestamp();
  outcome text;
begin
  perform from _wedding_dbopt.pass_lock l where l.name = run_step.run for update skip locked;
  if not found then
    insert into _wedding_dbopt.collect_log (at, source, reason) values (run_step.at, source, 'skipped');
    return false;
  end if;
  execute format('select _wedding_dbopt.%I($1)', run_step.routine) into outcome using run_step.at;
  insert into _wedding_dbopt.collect_log (at, source, duration_ms)
  values (run_step.at, source, 1000 * extract(epoch from clock_timestamp() - started));
  return coalesce(outcome in ('t', 'true'), false);
exception when others then
  insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason) values (run_step.at, source, sqlstate, sqlerrm);
  return false;
end $$;
comment on function _wedding_dbopt.run_step(text, text, text, timestamptz) is
  'Runs a step unless another run of the same kind goes on, and logs its duration or why it gave nothing; a failure stays with it. Answers whether the step says that there may be more for it to do.';
