-- Commits between its steps, so it carries no SET and can catch nothing: every name in it and below it is qualified.
create or replace procedure _wedding_dbopt.process_queued_runs(at timestamptz)
language plpgsql security invoker as $$
declare
  failure jsonb;
begin
  call _wedding_dbopt.step_in_python('runs', process_queued_runs.at, failure);
  perform _wedding_dbopt.raise_failure(failure);
end $$;
comment on procedure _wedding_dbopt.process_queued_runs(timestamptz) is 'Carries out the tuning runs that are queued.';
