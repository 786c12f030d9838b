-- Commits between its steps, so it carries no SET: every name in it and below it is qualified.
create or replace procedure _wedding_dbopt.run_tuning_in_python(
  aggressive_mode boolean, wedding_season_mode boolean, optimization_level text, dry_run boolean, at timestamptz, inout failure jsonb
)
language plpython3u security invoker as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return (GD["wedding_dbopt"].run_tuning(plpy, aggressive_mode, wedding_season_mode, optimization_level, dry_run, at),)
$$;
comment on procedure _wedding_dbopt.run_tuning_in_python(boolean, boolean, text, boolean, timestamptz, jsonb) is
  'The Python half of run_tuning: failure is null, or how it failed (message, sqlstate, detail, hint).';
