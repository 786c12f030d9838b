begin;
select plan(3);
create function pg_temp.refusal(query text) returns text language plpgsql as $$
declare
  state text; hint text;
begin
  perform wedding_dbopt.analyze_query(query);
  return null;
exception when others then
  get stacked diagnostics state = returned_sqlstate, hint = pg_exception_hint;
  return concat_ws(' ', state, hint);
end $$;
select is(pg_temp.refusal(null), 'WD001 Pass one SELECT, INSERT, UPDATE, DELETE or MERGE statement.', 'no statement');
select is(pg_temp.refusal('drop table t'), 'WD004 Only SELECT, INSERT, UPDATE, DELETE and MERGE can be analysed.', 'a statement without a plan');
set local transaction_read_only = on;
select is(pg_temp.refusal('select 1'), 'WD005 Call it in a transaction that may write (over HTTP by POST): it plans in a temporary function, which is rolled back.',
  'a read-only transaction');
select * from finish();
rollback;
