-- The day that has ended is described as soon as maintenance runs, or later that day if it was held up.
create or replace function _wedding_dbopt.take_baseline(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  due  record;
  kept record;
begin
  select d.* into due from _wedding_dbopt.due_baseline(take_baseline.at) d;
  if due.name is not null then
    select c.fingerprint, c.measured into kept from _wedding_dbopt.baseline_catalogue c where c.seen_at = take_baseline.at;
    perform _wedding_dbopt.store_baseline(due.name, null, 'daily', due.since, due.until, kept.fingerprint, kept.measured);
    update _wedding_dbopt.baseline_catalogue c set measured = null where c.measured is not null;
  end if;
  perform _wedding_dbopt.forget_baselines(array(
    select b.id from _wedding_dbopt.baseline b
    where b.origin <> 'user' and b.until < take_baseline.at - _wedding_dbopt.setting_value('baseline_retention')::interval));
end $$;
comment on function _wedding_dbopt.take_baseline(timestamptz) is
  'Keeps a baseline of the day before, once, if anything was collected, and drops automatic ones older than the setting baseline_retention.';
