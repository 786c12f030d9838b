-- What a tick does before it applies and judges. A text that cannot be read, or a disk without room, must not keep it from
-- undoing what does harm, so a failing step is logged and left to the next tick.
create or replace function _wedding_dbopt.tick_step(step text, at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  execute format('select _wedding_dbopt.%I(%s)', tick_step.step,
    (select case p.pronargs when 1 then '$1' end from pg_proc p where p.pronamespace = '_wedding_dbopt'::regnamespace and p.proname = tick_step.step))
  using tick_step.at;
exception when others then
  insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason) values (tick_step.at, 'tick: ' || tick_step.step, sqlstate, sqlerrm);
end $$;
comment on function _wedding_dbopt.tick_step(text, timestamptz) is
  'Runs a step of the tick, a function of this name with the time as its argument or with none; a failure stays with it and is logged.';
