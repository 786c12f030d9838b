-- What create_baseline stores and what "now" is compared as: the same row, not yet named.
create or replace function _wedding_dbopt.measure_baseline(since timestamptz, until timestamptz, measured jsonb default null) returns _wedding_dbopt.baseline
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  history_since constant timestamptz := (select min(s.first_seen) from _wedding_dbopt.statement s);
  first_moment  constant timestamptz := case when history_since < measure_baseline.until
    then greatest(measure_baseline.since, history_since) else measure_baseline.since end;
  result _wedding_dbopt.baseline;
begin
  with load as materialized (
    select * from _wedding_dbopt.load_figures(first_moment, measure_baseline.until)
  ), packed as (
    select coalesce(array_agg(load.statement_id), '{}') as ids,
           coalesce(array_agg(load.calls), '{}') as calls,
           coalesce(array_agg((1000 * load.exec_ms)::bigint), '{}') as exec_us,
           coalesce(array_agg(load.exec_sq::real), '{}') as exec_sq,
           case when bool_or(load.rows <> 0) then array_agg(load.rows) end as rows,
           case when bool_or(load.hit <> 0) then array_agg(load.hit) end as hit,
           case when bool_or(load.read <> 0) then array_agg(load.read) end as read,
           case when bool_or(load.temp_written <> 0) then array_agg(load.temp_written) end as temp_written,
           case when bool_or(load.wal_bytes <> 0) then array_agg(load.wal_bytes) end as wal_bytes,
           coalesce(array_agg(load.rate_error::real), '{}') as rate_error,
           coalesce(array_agg(load.mean_error::real), '{}') as mean_error,
           coalesce(array_agg(load.blocks_error::real), '{}') as blocks_error,
           coalesce(array_agg(load.slices::real), '{}') as slices,
           coalesce(max(load.rate_slices), 0)::real as rate_slices
    from (select * from load where load.statement_id is not null order by load.statement_id) as load  -- sorted once, not for each array
  ), per_context as (
    select coalesce(jsonb_agg(to_jsonb(load) - 'statement_id' - 'rate_slices'
             || jsonb_build_object('objective_ms', objective.latency_ms, 'objective_met', load.exec_ms / load.calls <= objective.latency_ms)
             order by load.context), '[]') as contexts
    from load left join _wedding_dbopt.objective on objective.context = load.context
    where load.context is not null
  )
  select null::bigint, null, null, null, null, null::timestamptz, first_moment, measure_baseline.until, _wedding_dbopt.is_complete(first_moment, measure_baseline.until),
         packed.*, per_context.contexts, coalesce(measure_baseline.measured -> 'relations', _wedding_dbopt.relation_figures(first_moment, measure_baseline.until)),
         coalesce(measure_baseline.measured -> 'server', _wedding_dbopt.server_figures(first_moment, measure_baseline.until)),
         coalesce(measure_baseline.measured -> 'settings', _wedding_dbopt.settings_now()), null
  into result
  from packed, per_context;
  return result;
end $$;
comment on function _wedding_dbopt.measure_baseline(timestamptz, timestamptz, jsonb) is
  'A baseline of a window that is not stored: without name, and without the catalogue, which catalogue_now() gives. It begins where history begins.';
