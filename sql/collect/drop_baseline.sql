-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only deletes our own rows.
create or replace function wedding_dbopt.drop_baseline(name text) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  doomed constant bigint := (select b.id from _wedding_dbopt.baseline b where b.name = drop_baseline.name);
begin
  perform _wedding_dbopt.require(doomed is not null, format('there is no baseline %s', coalesce(quote_literal(drop_baseline.name), 'null')),
    'SELECT name FROM wedding_dbopt.get_baselines();');
  perform _wedding_dbopt.forget_baselines(array[doomed]);
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'baseline', drop_baseline.name, 'kept', 'dropped', 'dropped by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'name', drop_baseline.name);
end $$;
comment on function wedding_dbopt.drop_baseline(text) is 'Deletes a baseline, whoever made it; a tuning run that it belonged to no longer names one.';
