-- Square-root staffing: c = load + 2 sqrt(load) servers leave few to wait (S. Halfin and W. Whitt, Heavy-traffic limits for
-- queues with many exponential servers, Operations Research 29, 1981).
-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.pool_size(busy numeric) returns integer
language sql immutable strict parallel safe security invoker
begin atomic
  select ceil(pool_size.busy + 2 * sqrt(pool_size.busy))::integer;
end;
comment on function _wedding_dbopt.pool_size(numeric) is
  'Server connections for a load that keeps so many of them busy on average.';
