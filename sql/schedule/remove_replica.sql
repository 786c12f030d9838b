create or replace function wedding_dbopt.remove_replica(name text) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  delete from _wedding_dbopt.replica r where r.name = remove_replica.name;
  if not found then
    raise exception 'There is no replica %', coalesce(quote_literal(name), 'null')
      using errcode = 'no_data_found', hint = 'SELECT * FROM wedding_dbopt.get_replicas();';
  end if;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'replica', remove_replica.name, 'removed', 'remove_replica() by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'name', remove_replica.name);
end $$;
comment on function wedding_dbopt.remove_replica(text) is 'Forgets a replica, its connection string and what was seen there.';
