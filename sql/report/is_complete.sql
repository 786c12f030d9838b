-- PL/pgSQL, so that a session plans it once.
create or replace function _wedding_dbopt.is_complete(since timestamptz, until timestamptz) returns boolean
language plpgsql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return not exists (
      select from _wedding_dbopt.statement_sample as sample
      where sample.at > is_complete.since and sample.at <= is_complete.until and not sample.complete
        and sample.previous_at is not null)  -- the first pass of all hides nothing: history begins with it
    and not exists (
      select from _wedding_dbopt.rolled_hour as rolled
      where rolled.hour >= is_complete.since and rolled.hour < is_complete.until and not rolled.complete);
end $$;
comment on function _wedding_dbopt.is_complete(timestamptz, timestamptz) is
  'False when a restart, a reset or an eviction hid calls from a collection pass of the window.';
