-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.pause() returns jsonb
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select wedding_dbopt.set_setting('enabled', 'off')
$$;
comment on function wedding_dbopt.pause() is 'The kill switch: nothing more is applied and a running build is cancelled within a second or two. Collection goes on, without the samples inside a minute.';
