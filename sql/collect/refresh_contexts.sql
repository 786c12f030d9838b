create or replace function _wedding_dbopt.refresh_contexts(since timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.store_contexts(refresh_contexts.since - interval '1 microsecond', 'infinity');
  perform _wedding_dbopt.roll_up_contexts(min(r.hour), max(r.hour)) from _wedding_dbopt.rolled_hour r
  where r.hour + interval '1 hour' >= refresh_contexts.since
  having count(*) > 0;
end $$;
comment on function _wedding_dbopt.refresh_contexts(timestamptz) is
  'Sums the business contexts again, passes and hours, from a moment on: for when statements were given other contexts.';
