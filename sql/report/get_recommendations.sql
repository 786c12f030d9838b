create or replace function wedding_dbopt.get_recommendations(status text default 'open', limit_count integer default 100)
returns table(id bigint, run_id bigint, kind text, schema_name text, table_name text, columns text[], index_type text, index_name text,
              where_clause text, implementation_sql text, rollback_sql text, estimated_bytes bigint, estimated_gain_ms numeric,
              estimated_improvement numeric, benefits jsonb, write_cost numeric, wedding_context text, business_criticality text,
              priority text, confidence numeric, proof text, reason text, status text, status_reason text,
              created_at timestamptz, updated_at timestamptz, expires_at timestamptz, object_kind text, object_name text, details jsonb,
              final_sql text, locks text, safety text, risk text, season text)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select _wedding_dbopt.require(
    coalesce(get_recommendations.status, 'open') in ('open', 'taken', 'withdrawn', 'expired'),
    format('unknown status %L', get_recommendations.status), 'Use open, taken, withdrawn or expired, or null for all.');
  select _wedding_dbopt.require(get_recommendations.limit_count > 0, 'limit_count must be positive', 'Ask for 1 row or more.');
  select advice.id, advice.run_id, advice.kind, advice.schema_name, advice.table_name, advice.columns, advice.index_type,
         case when advice.object_kind = 'index' then advice.object_name end, advice.where_clause,
         array_to_string(case advice.final_sql when '{}' then advice.sql else advice.final_sql end, E';\n'), array_to_string(advice.rollback_sql, E';\n'), advice.estimated_bytes, advice.estimated_gain_ms,
         advice.estimated_improvement, advice.benefits, advice.write_cost, advice.context, advice.criticality,
         advice.priority, advice.confidence, advice.proof, advice.reason, advice.status, advice.status_reason,
         advice.created_at, advice.updated_at, advice.expires_at, advice.object_kind, advice.object_name, advice.details,
         array_to_string(advice.final_sql, E';\n'), advice.locks, advice.safety, advice.risk, advice.season
  from _wedding_dbopt.recommendation as advice
  where get_recommendations.status is null or advice.status = get_recommendations.status
  order by advice.estimated_improvement desc nulls last, advice.id
  limit get_recommendations.limit_count;
$$;
comment on function wedding_dbopt.get_recommendations(text, integer) is
  'What should be done, greatest estimated improvement first (percent of the planner''s cost of the statements served; estimated_gain_ms is per hour of the observed workload). status: open, taken, withdrawn or expired, null for all. implementation_sql is what a person would run; preview_tuning() shows the steps of the tuner. safety: auto may be applied by itself, consent waits for approve() in any mode, manual is for people only.';
