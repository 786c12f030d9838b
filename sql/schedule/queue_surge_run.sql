-- One run for each surge or spell of high load; what it finds is the advisor's choice, from the statements of these minutes. A
-- surge is looked for in each tick, high load, which costs more to tell, in each fifth minute.
create or replace function _wedding_dbopt.queue_surge_run(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  if _wedding_dbopt.setting_value('enabled') <> 'on'
     or extract(minute from queue_surge_run.at)::integer % 5 <> 0 and not exists (select from _wedding_dbopt.surges_on(queue_surge_run.at))
     or exists (select from _wedding_dbopt.tuning_run r where r.state in ('queued', 'running')) then
    return;
  end if;
  insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, options)
  select 'surge', session_user, queue_surge_run.at, _wedding_dbopt.setting_value('tuning_level'), true,
         jsonb_build_object('triggers', jsonb_agg(jsonb_build_object('context', t.context, 'reason', t.reason)))
  from _wedding_dbopt.load_triggers(queue_surge_run.at) t
  where not exists (select from _wedding_dbopt.tuning_run r
                    where r.requested_at > queue_surge_run.at - interval '1 hour' and r.requested_at <= queue_surge_run.at
                      and r.options -> 'triggers' @> jsonb_build_array(jsonb_build_object('context', t.context)))
  having count(*) > 0;
end $$;
comment on function _wedding_dbopt.queue_surge_run(timestamptz) is
  'Queues a tuning run when a context surges or is under high load, at most one an hour for each context.';
