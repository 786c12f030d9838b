create or replace function _wedding_dbopt.contexts() returns table(context text, place integer)
language sql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select name, number::integer
  from unnest(array['booking', 'vendor_search', 'payment', 'timeline', 'guest_management', 'other']) with ordinality as c(name, number)
$$;
comment on function _wedding_dbopt.contexts() is 'The business contexts in the order in which reports name them.';
