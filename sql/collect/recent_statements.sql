-- A function, so that a standby, where unlogged tables cannot be read, never plans the statement that reads it.
create or replace function _wedding_dbopt.recent_statements(since timestamptz, until timestamptz)
returns setof _wedding_dbopt.statement_recent
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  long constant boolean := recent_statements.since < recent_statements.until - interval '48 hours';  -- for such the days are as good as the last hours
  kept record;
begin
  if pg_is_in_recovery() then
    return;
  end if;
  select r.since, r.until, r.passes into kept from _wedding_dbopt.statement_recent r where r.days = long limit 1;
  if kept.since >= recent_statements.since and kept.until <= recent_statements.until
     and kept.passes = (select sum(r.passes) from _wedding_dbopt.rolled_hour r where r.hour >= kept.since and r.hour < kept.until) then
    return query select r.* from _wedding_dbopt.statement_recent r where r.days = long;
  end if;
end $$;
comment on function _wedding_dbopt.recent_statements(timestamptz, timestamptz) is
  'The sum of the last closed hours or, in a window longer than two days, of the last closed days, if it lies in the window and nothing came in late.';
