-- The one action type there is builds indexes, which stay. An action type that ends with the season would be listed here.
create or replace function _wedding_dbopt.season_optimizations(run_id bigint) returns jsonb
language sql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select '[]'::jsonb
$$;
comment on function _wedding_dbopt.season_optimizations(bigint) is
  'The actions of a run that end with the wedding season: none, because what a run changes stays until it is rolled back.';
