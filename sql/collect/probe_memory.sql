create or replace function _wedding_dbopt.probe_memory(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object(
      'memory_total', 1024 * substring(info from 'MemTotal: +([0-9]+) kB')::bigint,
      'memory_available', 1024 * substring(info from 'MemAvailable: +([0-9]+) kB')::bigint)
    from pg_read_file('/proc/meminfo', 0, 8192) as info);
end $$;
comment on function _wedding_dbopt.probe_memory(timestamptz) is 'Total and available memory of the machine in bytes.';
