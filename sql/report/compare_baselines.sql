create or replace function wedding_dbopt.compare_baselines(
  before text default null, after text default null, limit_count integer default 100, at timestamptz default now()) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  first_side  _wedding_dbopt.baseline;
  second_side _wedding_dbopt.baseline;
  result jsonb;
begin
  perform _wedding_dbopt.require(compare_baselines.limit_count > 0, 'limit_count must be positive', 'Ask for 1 statement or more.');
  select * into first_side from _wedding_dbopt.baseline as kept
  where kept.name = compare_baselines.before or compare_baselines.before is null
  order by kept.until desc, kept.id desc limit 1;
  if first_side.id is null and compare_baselines.before is null then
    return null;
  end if;
  perform _wedding_dbopt.require(first_side.id is not null, format('there is no baseline %L', compare_baselines.before),
    'SELECT name FROM wedding_dbopt.get_baselines();');
  if compare_baselines.after is null then
    second_side := _wedding_dbopt.measure_baseline(compare_baselines.at - _wedding_dbopt.window_length(first_side.since, first_side.until), compare_baselines.at);
  else
    select * into second_side from _wedding_dbopt.baseline as kept where kept.name = compare_baselines.after;
    perform _wedding_dbopt.require(second_side.id is not null, format('there is no baseline %L', compare_baselines.after),
      'SELECT name FROM wedding_dbopt.get_baselines(); without a name the present is compared.');
  end if;
  with load as materialized (
    select compared.*, compared.ms_per_hour_after - compared.ms_per_hour_before as ms_change,
           row_number() over (partition by compared.statement_id is null
             order by abs(compared.ms_per_hour_after - compared.ms_per_hour_before) desc, compared.statement_id) as place
    from _wedding_dbopt.compare_load(first_side, second_side) as compared
  ), shown as (
    select load.statement_id, load.context, load.ms_change, jsonb_build_object(
             'calls_per_hour_before', round(load.calls_per_hour_before::numeric, 2), 'calls_per_hour_after', round(load.calls_per_hour_after::numeric, 2),
             'calls_change_percent', round((100 * load.calls_change)::numeric, 2), 'calls_significant', load.calls_significant,
             'mean_ms_before', round(load.mean_before::numeric, 6), 'mean_ms_after', round(load.mean_after::numeric, 6),
             'mean_ms_change_percent', round((100 * load.mean_change)::numeric, 2), 'mean_ms_margin_percent', round((100 * load.mean_margin)::numeric, 2),
             'mean_ms_p_value', load.mean_p_value, 'mean_ms_significant', load.mean_significant,
             'blocks_per_call_before', round(load.blocks_before::numeric, 2), 'blocks_per_call_after', round(load.blocks_after::numeric, 2),
             'blocks_change_percent', round((100 * load.blocks_change)::numeric, 2), 'blocks_significant', load.blocks_significant,
             'cache_hit_percent_before', round(load.cache_hit_before::numeric, 2), 'cache_hit_percent_after', round(load.cache_hit_after::numeric, 2),
             'ms_per_hour_before', round(load.ms_per_hour_before::numeric, 3), 'ms_per_hour_after', round(load.ms_per_hour_after::numeric, 3),
             'verdict', case when load.calls_before is null then 'new' when load.calls_after is null then 'vanished'
                             when load.mean_significant then case when load.mean_change > 0 then 'slower' else 'faster' end
                             when load.mean_significant is null then 'unknown' else 'same' end,
             'reason', load.reason) as figures, load.objective_ms, load.met_before, load.met_after
    from load where load.place <= compare_baselines.limit_count or load.statement_id is null
  ), catalogue as materialized (
    select (select stored.objects from _wedding_dbopt.baseline_catalogue as stored where stored.fingerprint = first_side.catalogue) as before,
           coalesce((select stored.objects from _wedding_dbopt.baseline_catalogue as stored where stored.fingerprint = second_side.catalogue),
                    _wedding_dbopt.catalogue_now()) as after
  ), drift as (
    select kinds.kind, moved.*
    from catalogue
    cross join lateral (select jsonb_object_keys(catalogue.before) as kind union select jsonb_object_keys(catalogue.after)) as kinds
    cross join lateral _wedding_dbopt.compare_objects(catalogue.before -> kinds.kind, catalogue.after -> kinds.kind) as moved
  )
  select jsonb_build_object(
    'before', jsonb_build_object('name', first_side.name, 'since', first_side.since, 'until', first_side.until, 'complete', first_side.complete),
    'after', jsonb_build_object('name', coalesce(second_side.name, 'now'), 'since', second_side.since, 'until', second_side.until,
                                'complete', second_side.complete,
                                'overlap_percent', round(100 * greatest(extract(epoch from least(first_side.until, second_side.until) - greatest(first_side.since, second_side.since)), 0)
                                                         / nullif(extract(epoch from second_side.until - second_side.since), 0), 1)),
    'summary', (
      select jsonb_build_object(
               'statements', count(*), 'compared', count(load.mean_p_value),
               'slower', count(*) filter (where load.mean_significant and load.mean_change > 0),
               'faster', count(*) filter (where load.mean_significant and load.mean_change < 0),
               'new', count(*) filter (where load.calls_before is null), 'vanished', count(*) filter (where load.calls_after is null),
               'drift', (select count(*) from drift), 'false_discovery_rate', 0.05,
               'min_change_percent', 100 * _wedding_dbopt.setting_value('baseline_min_change')::numeric)
      from load where load.statement_id is not null),
    'contexts', (
      select coalesce(jsonb_agg(jsonb_build_object('wedding_context', shown.context, 'objective_ms', shown.objective_ms,
               'objective_met_before', shown.met_before, 'objective_met_after', shown.met_after) || shown.figures
               order by abs(shown.ms_change) desc, shown.context), '[]')
      from shown where shown.statement_id is null),
    'statements', (
      select coalesce(jsonb_agg(jsonb_build_object('queryid', known.queryid::text, 'query_hash', known.queryid::text, 'query_text', _wedding_dbopt.statement_query(shown.statement_id),
               'wedding_context', coalesce(known.context, 'other'), 'business_criticality', known.criticality, 'role', known.userid::regrole::text,
               'toplevel', known.toplevel, 'first_seen', known.first_seen) || shown.figures order by abs(shown.ms_change) desc, shown.statement_id), '[]')
      from shown
      left join _wedding_dbopt.statement as known on known.id = shown.statement_id
      where shown.statement_id is not null),
    'settings', (
      select coalesce(jsonb_agg(jsonb_build_object('name', moved.name, 'change', moved.change,
               'before', moved.value_before -> 'value', 'after', moved.value_after -> 'value') order by moved.name), '[]')
      from _wedding_dbopt.compare_objects(first_side.settings, second_side.settings) as moved
      where moved.value_before -> 'value' is distinct from moved.value_after -> 'value'
        -- A setting that is hidden from the caller is not one that has gone.
        and (second_side.id is not null or moved.value_after is not null or moved.name ~ ' '
             or exists (select from pg_settings where pg_settings.name = moved.name))),
    'drift', (
      select coalesce(jsonb_agg(jsonb_build_object('kind', drift.kind, 'name', drift.name, 'change', drift.change,
               'before', drift.value_before, 'after', drift.value_after) order by drift.kind, drift.name), '[]')
      from drift),
    'tables', (
      select coalesce(jsonb_agg(jsonb_build_object('name', moved.name, 'change', moved.change,
               'bytes_before', moved.value_before -> 0, 'bytes_after', moved.value_after -> 0,
               'rows_before', moved.value_before -> 1, 'rows_after', moved.value_after -> 1,
               'seq_scans_before', moved.value_before -> 2, 'seq_scans_after', moved.value_after -> 2,
               'index_scans_before', moved.value_before -> 4, 'index_scans_after', moved.value_after -> 4)
               order by abs(coalesce((moved.value_after ->> 0)::bigint, 0) - coalesce((moved.value_before ->> 0)::bigint, 0)) desc, moved.name), '[]')
      from _wedding_dbopt.compare_objects(first_side.relations -> 'tables', second_side.relations -> 'tables') as moved),
    'indexes', (
      select coalesce(jsonb_agg(jsonb_build_object('name', moved.name, 'change', moved.change,
               'bytes_before', moved.value_before -> 0, 'bytes_after', moved.value_after -> 0,
               'scans_before', moved.value_before -> 1, 'scans_after', moved.value_after -> 1)
               order by abs(coalesce((moved.value_after ->> 0)::bigint, 0) - coalesce((moved.value_before ->> 0)::bigint, 0)) desc, moved.name), '[]')
      from _wedding_dbopt.compare_objects(first_side.relations -> 'indexes', second_side.relations -> 'indexes') as moved),
    'server', (
      select coalesce(jsonb_object_agg(moved.name, jsonb_build_object('before', moved.value_before, 'after', moved.value_after)), '{}')
      from _wedding_dbopt.compare_objects(first_side.server, second_side.server) as moved))
  into result;
  return result;
end $$;
comment on function wedding_dbopt.compare_baselines(text, text, integer, timestamptz) is
  'What changed between two baselines, or since one (after is null: a window as long that ends now; before is null: since the latest one, null if there is none). While overlap_percent of the window after is above 0 it holds calls of the one before, and changes look smaller than they are. Per context and per statement, largest change in time per hour first: calls per hour, mean ms and blocks per call with changes in percent, margins (two standard errors) and whether they are significant, new and vanished statements; then settings, drift of the catalogue, tables, indexes and server. At most one in twenty of the changes called significant is expected to be chance.';
