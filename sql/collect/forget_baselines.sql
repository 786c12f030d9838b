create or replace function _wedding_dbopt.forget_baselines(ids bigint[]) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  delete from _wedding_dbopt.baseline b where b.id = any (forget_baselines.ids);
  delete from _wedding_dbopt.baseline_catalogue c
  where not exists (select from _wedding_dbopt.baseline b where b.catalogue = c.fingerprint);
$$;
comment on function _wedding_dbopt.forget_baselines(bigint[]) is 'Deletes baselines, and the catalogues that no other baseline shares.';
