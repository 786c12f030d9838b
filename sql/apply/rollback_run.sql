-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.rollback_run(run_id bigint) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  outcomes jsonb;
begin
  if not exists (select from _wedding_dbopt.tuning_run r where r.id = rollback_run.run_id) then
    raise exception 'There is no tuning run %', coalesce(run_id::text, 'null')
      using errcode = 'no_data_found', hint = 'SELECT wedding_dbopt.get_tuning_run(); shows the latest.';
  end if;
  select coalesce(jsonb_agg(wedding_dbopt.rollback_action(a.id) order by a.id desc), '[]') into outcomes
  from _wedding_dbopt.action a where a.run_id = rollback_run.run_id;
  return jsonb_build_object('success', true, 'run_id', run_id, 'actions', outcomes);
end $$;
comment on function wedding_dbopt.rollback_run(bigint) is 'Undoes every action of a tuning run, the last one first.';
