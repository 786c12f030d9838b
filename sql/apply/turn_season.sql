-- What is bound to a season goes when it has ended and comes back, from the statements stored with it, a season_lead before it
-- begins. It comes back as a new action of a run of its own, so it is applied in a quiet hour, judged and undone like any other.
create or replace function _wedding_dbopt.turn_season(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  wanted text[];
  run bigint;
  deed _wedding_dbopt.action;
  made bigint;
  new_state text;
begin
  if not exists (select from _wedding_dbopt.action a where a.season is not null) then  -- as in nearly every tick
    return;
  end if;
  wanted := array(select s.name from _wedding_dbopt.seasons_ahead(turn_season.at) s
                  where s.on_now or s.starts_at <= turn_season.at + _wedding_dbopt.setting_value('season_lead')::interval);
  for deed in
    update _wedding_dbopt.action a set rollback_requested = true, season_over_at = turn_season.at,
      proved_as = case when a.state = 'kept' then coalesce(a.proved_as, a.id) else a.proved_as end
    where a.season is not null and a.season <> all (wanted) and a.state in ('verifying', 'kept') and not a.rollback_requested
      and a.rollback_sql <> '{}' returning a.*
  loop
    insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
    values (clock_timestamp(), _wedding_dbopt.actor(), 'action', deed.id::text, deed.state, deed.state,
            format('the %s season is over: undone until it comes back', deed.season));
  end loop;
  perform _wedding_dbopt.change_action(a.id, 'withdrawn', format('the %s season is over', a.season))
  from _wedding_dbopt.action a where a.season is not null and a.season <> all (wanted) and a.state in ('proposed', 'approved');

  for deed in
    select a.* from _wedding_dbopt.action a
    where a.season = any (wanted) and a.season_over_at is not null and a.state = 'rolled_back'
      and not exists (
        select from _wedding_dbopt.action later
        where later.id > a.id and (later.action_type, later.schema_name, later.table_name, later.object_name)
          is not distinct from (a.action_type, a.schema_name, a.table_name, a.object_name))
    order by a.id
  loop
    new_state := case _wedding_dbopt.mode_for(deed.action_type, deed.schema_name, deed.table_name) when 'auto' then 'approved' when 'approve' then 'proposed' end;
    continue when new_state is null;
    if run is null then
      insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, seasons, state, started_at)
      values ('season', session_user, turn_season.at, _wedding_dbopt.setting_value('tuning_level'), true, wanted, 'verifying', clock_timestamp())
      returning id into run;
    end if;
    insert into _wedding_dbopt.action (
      run_id, recommendation_id, action_type, state, phase, object_kind, schema_name, table_name, object_name, details, season, description, sql, final_sql,
      rollback_sql, locks, wedding_context, criticality, estimated_impact, estimated_bytes, proved_as, created_at)
    values (
      run, deed.recommendation_id, deed.action_type, new_state, 'season', deed.object_kind, deed.schema_name, deed.table_name, deed.object_name, deed.details,
      deed.season, deed.description, deed.sql, deed.final_sql, deed.rollback_sql, deed.locks, deed.wedding_context, deed.criticality, deed.measured_impact,
      coalesce(deed.measured_bytes, deed.estimated_bytes), deed.proved_as, clock_timestamp())
    returning id into made;
    insert into _wedding_dbopt.event (at, actor, subject, subject_id, to_state, reason)
    values (clock_timestamp(), _wedding_dbopt.actor(), 'action', made::text, new_state, format('the %s season comes: as action %s had it', deed.season, deed.id));
  end loop;
end $$;
comment on function _wedding_dbopt.turn_season(timestamptz) is
  'Undoes what is bound to a season that is over, and queues it again from its stored statements before the season comes back.';
