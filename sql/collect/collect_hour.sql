-- What is dear or opens relations for a moment, each step in a transaction of its own. No SET clause is possible here
-- because of the commits, so all names are qualified.
create or replace procedure wedding_dbopt.collect_hour(at timestamptz default null)
language plpgsql security invoker as $$
declare
  run_at  constant pg_catalog.timestamptz := coalesce(at, pg_catalog.clock_timestamp());
  source  pg_catalog.text;
  started pg_catalog.timestamptz;
begin
  if pg_catalog.pg_is_in_recovery() then
    raise notice 'skipped: this server is a standby';
    return;
  end if;
  perform _wedding_dbopt.require_time(run_at);
  foreach source in array array['sizes', 'sequences', 'filters', 'replicas'] loop
    started := pg_catalog.clock_timestamp();
    begin
      perform from _wedding_dbopt.pass_lock l where l.name operator(pg_catalog.=) 'hour' for update skip locked;
      if found then
        execute pg_catalog.format('select _wedding_dbopt.%I($1)', pg_catalog.concat('sample_', source)) using run_at;
        insert into _wedding_dbopt.collect_log (at, source, duration_ms)
        values (run_at, pg_catalog.concat('hour: ', source), pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() operator(pg_catalog.-) started) operator(pg_catalog.*) 1000);
      else
        insert into _wedding_dbopt.collect_log (at, source, reason) values (run_at, pg_catalog.concat('hour: ', source), 'skipped');
      end if;
    exception when others then
      insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason)
      values (run_at, pg_catalog.concat('hour: ', source), sqlstate, sqlerrm);
    end;
    commit;
  end loop;
end $$;
comment on procedure wedding_dbopt.collect_hour(timestamptz) is
  'Takes what is too dear for each minute: sizes of tables and indexes, sequences near their end, use of indexes on replicas; meant to run each hour. A step that fails is logged and does not stop the others.';
