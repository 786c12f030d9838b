-- Each probe gives some columns of system_sample as JSON; one that fails leaves its columns null and its reason in the log.
create or replace function _wedding_dbopt.sample_system(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  facts jsonb := jsonb_build_object('at', sample_system.at);
  part  jsonb;
  probe text;
begin
  foreach probe in array array['cpu', 'load', 'memory', 'backends', 'disk', 'database', 'wal', 'checkpoints', 'io', 'horizon', 'replication', 'seasons'] loop
    begin
      execute format('select _wedding_dbopt.%I($1)', 'probe_' || probe) into part using sample_system.at;
      facts := facts || part;
    exception when others then
      insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason)
      values (sample_system.at, 'system: ' || probe, sqlstate, sqlerrm);
    end;
  end loop;
  insert into _wedding_dbopt.system_sample
  select (jsonb_populate_record(null::_wedding_dbopt.system_sample, facts)).*;
end $$;
comment on function _wedding_dbopt.sample_system(timestamptz) is
  'Stores CPU, load, memory, what a connection takes of it, disk, the counters of this database, of WAL, checkpoints and I/O, what holds dead rows back, and replication.';
