-- What is dear or opens relations for a moment, each step in a transaction of its own. No SET clause is possible here
-- because of the commits, so all names are qualified.
create or replace procedure wedding_dbopt.collect_hour(at timestamptz default null)
language plpgsql security invoker as $$
declare
  run_at constant pg_catalog.timestamptz := coalesce(at, pg_catalog.clock_timestamp());
  source pg_catalog.text;
begin
  if pg_catalog.pg_is_in_recovery() then
    raise notice 'skipped: this server is a standby';
    return;
  end if;
  perform _wedding_dbopt.require_time(run_at);
  foreach source in array array['sizes', 'sequences', 'filters', 'replicas'] loop
    perform _wedding_dbopt.run_step('hour', source, pg_catalog.concat('sample_', source), run_at);
    commit;
  end loop;
end $$;
comment on procedure wedding_dbopt.collect_hour(timestamptz) is
  'Takes what is too dear for each minute: sizes of tables and indexes, sequences near their end, use of indexes on replicas; meant to run each hour. A step that fails is logged and does not stop the others.';
