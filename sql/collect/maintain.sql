-- Each step is a transaction of its own, and so is each part of a step that has several. The raw samples are rolled up before
-- they are dropped, but a roll-up that fails does not keep them for ever. No SET clause is possible here because of the
-- commits, so all names are qualified.
create or replace procedure wedding_dbopt.maintain(at timestamptz default null)
language plpgsql security invoker as $$
declare
  run_at constant pg_catalog.timestamptz := coalesce(at, pg_catalog.clock_timestamp());
  step   pg_catalog.text;
  more   pg_catalog.bool;
begin
  if pg_catalog.pg_is_in_recovery() then
    raise notice 'skipped: this server is a standby';
    return;
  end if;
  perform _wedding_dbopt.require_time(run_at);
  foreach step in array _wedding_dbopt.maintenance_steps() loop
    loop
      more := _wedding_dbopt.run_step('maintain', step, step, run_at);
      commit;
      exit when not more;
    end loop;
  end loop;
end $$;
comment on procedure wedding_dbopt.maintain(timestamptz) is
  'Makes and drops partitions, rolls up hours and days, renews what is expected of the load, removes what is past its retention, and notes which findings there are, which indexes were used and what the season asks for; meant to run each hour. A step that fails is logged and does not stop the others.';
