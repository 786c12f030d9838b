-- Commits between its steps, so it carries no SET: every name in it and below it is qualified.
create or replace procedure wedding_dbopt.process_actions(at timestamptz default null)
language plpython3u security invoker as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
GD["wedding_dbopt"].process_actions(plpy, at)
$$;
comment on procedure wedding_dbopt.process_actions(timestamptz) is
  'One step of the executor: finishes what a crash left, rolls back what is asked for, applies what is approved, judges what was applied.';
