-- What only a comparison with the last baseline tells happened at some time since it: begun and ended are its bounds.
create or replace function _wedding_dbopt.plan_changes(tables text[], since timestamptz, until timestamptz)
returns table (kind text, begun timestamptz, ended timestamptz, object text, before text, after text)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with last_baseline as (
    select b.until, b.settings, c.objects -> 'index' as indexes
    from _wedding_dbopt.baseline b join _wedding_dbopt.baseline_catalogue c on c.fingerprint = b.catalogue
    where b.until <= plan_changes.until order by b.until desc limit 1
  ), subject as materialized (
    select t as name, to_regclass(t)::oid as relid from unnest(plan_changes.tables) t
  )
  select 'dropped_index', b.until, plan_changes.until, i.name, i.definition, null
  from last_baseline b cross join lateral jsonb_each_text(b.indexes) as i (name, definition)
  where to_regclass(i.name) is null and i.definition not like '% (invalid)'
    and exists (select from subject s where strpos(i.definition, format(' ON %s ', s.name)) > 0)
  union all
  select 'setting', b.until, plan_changes.until, c.name, c.value_before ->> 'value', c.value_after ->> 'value'
  from last_baseline b cross join lateral _wedding_dbopt.compare_objects(b.settings, _wedding_dbopt.settings_now()) c
  where c.name ~ '^(enable_|work_mem|hash_mem_multiplier|random_page_cost|seq_page_cost|cpu_|effective_cache_size|jit|join_collapse|from_collapse|geqo|plan_cache_mode|max_parallel|parallel_)'
    and coalesce(c.value_before ->> 'value', '') <> '(hidden)'
  union all
  select 'our_action', a.applied_at, a.applied_at, a.id::text, a.description, a.state
  from _wedding_dbopt.action a
  where a.applied_at > plan_changes.since and a.applied_at <= plan_changes.until and a.state in ('verifying', 'kept')
    and format('%s.%s', quote_ident(a.schema_name), quote_ident(a.table_name)) = any (plan_changes.tables)
  union all
  select 'analyzed', t.at, t.at, s.name, null, null
  from subject s cross join lateral (select greatest(pg_stat_get_last_analyze_time(s.relid), pg_stat_get_last_autoanalyze_time(s.relid)) as at) t
  where t.at > plan_changes.since and t.at <= plan_changes.until
$$;
comment on function _wedding_dbopt.plan_changes(text[], timestamptz, timestamptz) is
  'What may have turned the plans of statements on these tables in a window: indexes and settings that are not as the last baseline had them, our own actions, ANALYZE. begun and ended bound the time.';
