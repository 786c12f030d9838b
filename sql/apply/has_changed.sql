create or replace function _wedding_dbopt.has_changed(before jsonb, after jsonb) returns boolean
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select coalesce(bool_or(
    greatest((b.value)::numeric, (after ->> b.key)::numeric)
      >= (1 + _wedding_dbopt.setting_value('retry_change')::numeric) * greatest(least((b.value)::numeric, (after ->> b.key)::numeric), case b.key when 'mean_ms' then 0.1 else 1 end)), false)
  from jsonb_each_text(coalesce(before, '{}')) as b (key, value)
  where b.value is not null and after ->> b.key is not null
$$;
comment on function _wedding_dbopt.has_changed(jsonb, jsonb) is
  'Whether rows, calls or milliseconds per call differ by the share retry_change, so that an action that was undone may be tried again.';
