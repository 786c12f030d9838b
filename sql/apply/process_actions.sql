-- Commits between its steps, so it carries no SET and can catch nothing: every name in it and below it is qualified.
create or replace procedure wedding_dbopt.process_actions(at timestamptz default null)
language plpgsql security invoker as $$
declare
  failure jsonb;
begin
  call _wedding_dbopt.step_in_python('actions', process_actions.at, failure);
  perform _wedding_dbopt.raise_failure(failure);
end $$;
comment on procedure wedding_dbopt.process_actions(timestamptz) is
  'One step of the executor: finishes what a crash left, rolls back what is asked for, applies what is approved, judges what was applied.';
