-- Commits between its steps, so it carries no SET and can catch nothing: every name in it is qualified, and the Python half says how it failed.
create or replace procedure wedding_dbopt.run_tuning(
  aggressive_mode boolean default false, wedding_season_mode boolean default false,
  optimization_level text default null, dry_run boolean default false, at timestamptz default null
)
language plpgsql security invoker as $$
declare
  failure jsonb;
begin
  call _wedding_dbopt.run_tuning_in_python(run_tuning.aggressive_mode, run_tuning.wedding_season_mode, run_tuning.optimization_level,
    run_tuning.dry_run, run_tuning.at, failure);
  perform _wedding_dbopt.raise_failure(failure);
end $$;
comment on procedure wedding_dbopt.run_tuning(boolean, boolean, text, boolean, timestamptz) is
  'Runs one tuning now: collect, analyse, recommend and enqueue actions (with dry_run only recommend). process_actions() applies them.';
