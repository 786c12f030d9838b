create or replace function _wedding_dbopt.suspect_changes(tables text[], at timestamptz) returns table (suspect jsonb)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with last_baseline as (
    select b.until, b.settings, c.objects -> 'index' as indexes
    from _wedding_dbopt.baseline b join _wedding_dbopt.baseline_catalogue c on c.fingerprint = b.catalogue
    where b.until <= suspect_changes.at order by b.until desc limit 1
  )
  select jsonb_build_object('type', 'dropped_index', 'object', i.name,
           'text', format('Index %s is gone since %s: %s.', i.name, to_char(b.until at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), i.definition))
  from last_baseline b cross join lateral jsonb_each_text(b.indexes) as i (name, definition)
  where to_regclass(i.name) is null and exists (select from unnest(suspect_changes.tables) t where strpos(i.definition, format(' ON %s ', t)) > 0)
  union all
  select jsonb_build_object('type', 'invalid_index', 'object', x.indexrelid::regclass::text, 'text', format('Index %s is invalid: no statement can use it.', x.indexrelid::regclass))
  from pg_index x join unnest(suspect_changes.tables) t on x.indrelid = to_regclass(t)
  where not x.indisvalid
  union all
  select jsonb_build_object('type', 'our_action', 'action_id', a.id,
           'text', format('Our action %s (%s) was %s at %s.', a.id, a.description, case when a.state = 'rolled_back' then 'undone' else 'applied' end,
                          to_char(coalesce(a.finished_at, a.applied_at) at time zone 'UTC', 'HH24:MI "UTC"')))
  from _wedding_dbopt.action a
  where (a.applied_at between suspect_changes.at - interval '1 hour' and suspect_changes.at or a.state = 'rolled_back' and a.finished_at between suspect_changes.at - interval '1 hour' and suspect_changes.at)
    and format('%s.%s', a.schema_name, a.table_name) = any (suspect_changes.tables)
  union all
  select jsonb_build_object('type', 'changed_setting', 'object', c.name,
           'text', format('%s is %s now; at %s it was %s.', c.name, coalesce(c.value_after ->> 'value', 'the default'), to_char(b.until at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
                          coalesce(c.value_before ->> 'value', 'the default')))
  from last_baseline b cross join lateral _wedding_dbopt.compare_objects(b.settings, _wedding_dbopt.settings_now()) c
  where c.name ~ '^(enable_|work_mem|random_page_cost|seq_page_cost|cpu_|effective_cache_size|shared_buffers|jit|join_collapse|from_collapse|geqo|plan_cache_mode|max_parallel|default_statistics_target)'
$$;
comment on function _wedding_dbopt.suspect_changes(text[], timestamptz) is
  'What changed since the last baseline (or by us within the hour) and could make statements on these tables slow: indexes, our actions, settings of the planner and of memory.';
