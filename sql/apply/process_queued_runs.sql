create or replace procedure _wedding_dbopt.process_queued_runs(at timestamptz)
language plpython3u security invoker as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
GD["wedding_dbopt"].process_queued_runs(plpy, at)
$$;
comment on procedure _wedding_dbopt.process_queued_runs(timestamptz) is 'Carries out the tuning runs that are queued.';
