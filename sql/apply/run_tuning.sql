-- Commits between its steps, so it carries no SET: every name in it and below it is qualified.
create or replace procedure wedding_dbopt.run_tuning(
  aggressive_mode boolean default false, wedding_season_mode boolean default false,
  optimization_level text default null, dry_run boolean default false, at timestamptz default null
)
language plpython3u security invoker as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
GD["wedding_dbopt"].run_tuning(plpy, aggressive_mode, wedding_season_mode, optimization_level, dry_run, at)
$$;
comment on procedure wedding_dbopt.run_tuning(boolean, boolean, text, boolean, timestamptz) is
  'Runs one tuning now: collect, analyse, recommend and enqueue actions (with dry_run only recommend). process_actions() applies them.';
