-- Each probe gives some columns of system_sample as JSON; one that fails leaves its columns null and its reason in the log.
create or replace function _wedding_dbopt.sample_system(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  part  jsonb;
  facts jsonb := jsonb_build_object('at', sample_system.at);
  probe text;
begin
  foreach probe in array array['cpu', 'load', 'memory', 'backends', 'disk', 'database', 'wal', 'checkpoints', 'io', 'horizon', 'replication', 'seasons'] loop
    begin
      case probe  -- not by EXECUTE, which parses and plans each time
        when 'cpu' then part := _wedding_dbopt.probe_cpu(sample_system.at);
        when 'load' then part := _wedding_dbopt.probe_load(sample_system.at);
        when 'memory' then part := _wedding_dbopt.probe_memory(sample_system.at);
        when 'backends' then part := _wedding_dbopt.probe_backends(sample_system.at);
        when 'disk' then part := _wedding_dbopt.probe_disk(sample_system.at);
        when 'database' then part := _wedding_dbopt.probe_database(sample_system.at);
        when 'wal' then part := _wedding_dbopt.probe_wal(sample_system.at);
        when 'checkpoints' then part := _wedding_dbopt.probe_checkpoints(sample_system.at);
        when 'io' then part := _wedding_dbopt.probe_io(sample_system.at);
        when 'horizon' then part := _wedding_dbopt.probe_horizon(sample_system.at);
        when 'replication' then part := _wedding_dbopt.probe_replication(sample_system.at);
        when 'seasons' then part := _wedding_dbopt.probe_seasons(sample_system.at);
      end case;
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
