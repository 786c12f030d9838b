-- Who waits for this lock has everybody else wait behind him, readers and passes. So it is taken when it is free, or not at all.
create or replace function _wedding_dbopt.lock_at_once(relations text[]) returns boolean
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  wanted constant text := (select string_agg(format('_wedding_dbopt.%I', r.name), ', only ') from unnest(relations) as r (name));
begin
  for attempt in 1 .. 20 loop
    begin
      execute format('lock table only %s in access exclusive mode nowait', wanted);
      return true;
    exception when lock_not_available then
      perform pg_sleep(0.02);
    end;
  end loop;
  return false;
end $$;
comment on function _wedding_dbopt.lock_at_once(text[]) is
  'Locks tables of ours against readers, without waiting in the queue of the lock; tries for half a second and answers whether it has them.';
