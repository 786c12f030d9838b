create or replace function _wedding_dbopt.store_catalogue(at timestamptz) returns text
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  insert into _wedding_dbopt.baseline_catalogue as c (fingerprint, objects, seen_at)
  select md5(found.objects::text), found.objects, store_catalogue.at from _wedding_dbopt.catalogue_now() as found (objects)
  on conflict (fingerprint) do update set seen_at = excluded.seen_at
  returning c.fingerprint
$$;
comment on function _wedding_dbopt.store_catalogue(timestamptz) is
  'Keeps what the database consists of, once if nothing changed since, and gives its fingerprint.';
