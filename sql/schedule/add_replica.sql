create or replace function wedding_dbopt.add_replica(name text, dsn text) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.require(length(add_replica.name) between 1 and 63, 'A replica needs a name of 1 to 63 characters', 'For example ''reports''.');
  perform _wedding_dbopt.require(add_replica.dsn <> '', 'A replica needs a connection string', 'For example ''host=replica.internal dbname=app user=reader''.');
  perform _wedding_dbopt.require(_wedding_dbopt.is_dsn(add_replica.dsn), 'The connection string of the replica cannot be read',
    'For example ''host=replica.internal dbname=app user=reader''.');
  insert into _wedding_dbopt.replica as r (name, added_at) values (add_replica.name, clock_timestamp())
  on conflict on constraint replica_pkey do update set failed_at = null, reason = null;
  insert into _wedding_dbopt.replica_dsn as d (name, dsn) values (add_replica.name, add_replica.dsn)
  on conflict on constraint replica_dsn_pkey do update set dsn = excluded.dsn;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'replica', add_replica.name, 'added', 'add_replica() by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'name', add_replica.name);
end $$;
comment on function wedding_dbopt.add_replica(text, text) is
  'Lets collect_hour() fetch the use of indexes and tables from a read replica, so that an index which only it uses is not called unused; the connection string is shown to nobody. Its role needs to connect to the same database there, no more. Calling it again changes the connection string.';
