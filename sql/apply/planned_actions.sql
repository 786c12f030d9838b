-- The one place that says what a run does, in which order and what it leaves alone: the run enqueues these rows, a dry run prints them.
create or replace function _wedding_dbopt.planned_actions(level text, season_mode boolean, run_id bigint default null)
returns table (place bigint, recommendation_id bigint, phase text, mode text, state text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with idea as (
    select r.*, _wedding_dbopt.mode_for(r.kind, r.schema_name, r.table_name) as wanted,
           _wedding_dbopt.target_key(r.kind, r.object_kind, r.schema_name, r.table_name, r.object_name, r.details) as target,
           case when coalesce(r.confidence, 0) >= 0.8 and r.risk = 'low' then 1
                when coalesce(r.confidence, 0) >= 0.5 and r.risk in ('low', 'medium') then 2
                when coalesce(r.confidence, 0) >= 0.3 then 3 end as needs
    from _wedding_dbopt.recommendation r
    where r.status = 'open' and r.safety <> 'manual' and (planned_actions.run_id is null or r.run_id = planned_actions.run_id)
  ), allowed as (
    select i.*, case when i.season is not null then 'season' else (array['safe', 'moderate', 'aggressive'])[i.needs] end as in_phase
    from idea i
    where i.wanted in ('approve', 'auto')
      and i.needs <= array_position(array['conservative', 'moderate', 'aggressive'], planned_actions.level)
      and (i.season is null or planned_actions.season_mode
           or i.season = any ((select r.seasons from _wedding_dbopt.tuning_run r where r.id = planned_actions.run_id)::text[]))
  ), deed as (
    select a.*, _wedding_dbopt.target_key(a.action_type, a.object_kind, a.schema_name, a.table_name, a.object_name, a.details) as target
    from _wedding_dbopt.action a
  )
  select row_number() over (order by array_position(array['safe', 'season', 'moderate', 'aggressive'], i.in_phase), i.estimated_gain_ms desc nulls last, i.id),
         i.id, i.in_phase, i.wanted,
         case when i.wanted = 'auto' and (i.safety = 'auto' or _wedding_dbopt.setting_value('consent_human_objects') = 'on')
              then 'approved' else 'proposed' end
  from allowed i
  where not exists (
    select from deed d
    where d.target = i.target and case
      when d.state in ('proposed', 'approved', 'applying', 'verifying') then true
      -- A deed without an undo, as VACUUM, may be needed again; another one is in place until something newer stands there.
      when d.state = 'kept' and d.rollback_sql = '{}' then d.finished_at > clock_timestamp() - _wedding_dbopt.setting_value('repeat_after')::interval
      when d.state = 'kept' then d.recommendation_id = i.id
        and not exists (select from deed later where later.target = d.target and later.id > d.id and later.state = 'kept')
      when d.state = 'rolled_back' then d.recommendation_id = i.id
        and (d.finished_at > clock_timestamp() - _wedding_dbopt.setting_value('repeat_after')::interval
             or not _wedding_dbopt.has_changed(d.retry_basis,
                      _wedding_dbopt.retry_basis(i.schema_name, i.table_name, i.benefits, clock_timestamp())))
      when d.state in ('failed', 'withdrawn') then d.recommendation_id = i.id
        and d.finished_at > clock_timestamp() - _wedding_dbopt.setting_value('retry_after_failure')::interval
      else false end)
  order by 1
  limit _wedding_dbopt.setting_value('actions_per_run')::integer
$$;
comment on function _wedding_dbopt.planned_actions(text, boolean, bigint) is
  'What a tuning run enqueues, in order: the open recommendations (of one run, or all) that level, season and modes allow and that were not tried or refused lately; state says whether it is applied by itself or waits for approve().';
