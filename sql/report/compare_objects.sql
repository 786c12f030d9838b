create or replace function _wedding_dbopt.compare_objects(before jsonb, after jsonb)
returns table(name text, change text, value_before jsonb, value_after jsonb)
language sql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select name, case when b.value is null then 'added' when a.value is null then 'dropped' else 'changed' end, b.value, a.value
  from jsonb_each(coalesce(compare_objects.before, '{}')) as b(name, value)
  full join jsonb_each(coalesce(compare_objects.after, '{}')) as a(name, value) using (name)
  where a.value is distinct from b.value
$$;
comment on function _wedding_dbopt.compare_objects(jsonb, jsonb) is 'What two JSON objects do not have in common, by key.';
