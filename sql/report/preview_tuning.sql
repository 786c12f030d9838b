create or replace function wedding_dbopt.preview_tuning(optimization_level text default 'moderate', wedding_season_mode boolean default null)
returns table (place bigint, phase text, action_type text, state text, object text, sql text, final_sql text, rollback_sql text, locks text,
               estimated_improvement numeric, estimated_bytes bigint, wedding_context text, description text, recommendation_id bigint)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select _wedding_dbopt.require(coalesce(preview_tuning.optimization_level, '') in ('conservative', 'moderate', 'aggressive'),
    format('Unknown optimization_level %L', preview_tuning.optimization_level), 'Use conservative, moderate or aggressive.');
  select p.place, p.phase, r.kind, p.state,
         concat_ws(' ', r.object_kind, concat_ws('.', quote_ident(r.schema_name), quote_ident(coalesce(r.object_name, r.table_name)))),
         array_to_string(r.sql, E';\n'), array_to_string(r.final_sql, E';\n'), array_to_string(r.rollback_sql, E';\n'), r.locks,
         r.estimated_improvement, r.estimated_bytes, r.context, r.reason, r.id
  from _wedding_dbopt.planned_actions(preview_tuning.optimization_level,
         coalesce(preview_tuning.wedding_season_mode, (wedding_dbopt.get_season() ->> 'is_wedding_season')::boolean)) p
  join _wedding_dbopt.recommendation r on r.id = p.recommendation_id
  order by p.place
$$;
comment on function wedding_dbopt.preview_tuning(text, boolean) is
  'What a tuning run would do with today''s open recommendations: each statement in its order, what undoes it, the locks it takes, and whether it would be applied by itself (approved) or wait for approve() (proposed). A dry run prints the same.';
