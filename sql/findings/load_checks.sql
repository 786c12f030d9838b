create or replace function _wedding_dbopt.load_checks() returns text[]
language sql immutable parallel safe security invoker
return '{check_workload,check_regressions,check_collection,check_jit}'::text[];
comment on function _wedding_dbopt.load_checks() is 'The checks that sum up what statements did, which is half of the cost of all.';
