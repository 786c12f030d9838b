create or replace function wedding_dbopt.rewrite_rules()
returns table (
  name text, level text, proof text, why text, sound_when text, fired bigint, mean_gain numeric, last_fired timestamptz
)
language plpython3u stable parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].rewrite_rules(plpy)
$$;
comment on function wedding_dbopt.rewrite_rules() is 'The catalogue of rewrite rules: what each does, when it is sound, and at which level it is used; how often it took part in a form that was offered by analyze_query or a tuning run, which percentage these forms save on average, and when last.';
