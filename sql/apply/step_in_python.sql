-- Commits between its steps, so it carries no SET: every name in it and below it is qualified.
create or replace procedure _wedding_dbopt.step_in_python(step text, at timestamptz, inout failure jsonb)
language plpython3u security invoker as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return (GD["wedding_dbopt"].step(plpy, step, at),)
$$;
comment on procedure _wedding_dbopt.step_in_python(text, timestamptz, jsonb) is
  'The Python half of process_actions and its like: failure is null, or how it failed (message, sqlstate, detail, hint).';
