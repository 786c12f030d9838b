create or replace function _wedding_dbopt.awaits_end(deed _wedding_dbopt.action) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select deed.state = 'verifying' and deed.final_sql <> '{}' and coalesce(starts_with(deed.verdict, 'kept:'), false)
$$;
comment on function _wedding_dbopt.awaits_end(_wedding_dbopt.action) is
  'Whether a deed is judged good and only waits until it may take something away for good, as a hidden index does that nobody missed.';
