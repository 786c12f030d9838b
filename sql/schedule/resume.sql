-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.resume() returns jsonb
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select wedding_dbopt.set_setting('enabled', 'on')
$$;
comment on function wedding_dbopt.resume() is 'Ends pause(): approved actions are applied again from the next tick on.';
