create or replace function _wedding_dbopt.probe_load(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('load_1m', split_part(pg_read_file('/proc/loadavg', 0, 100), ' ', 1)::numeric));
end $$;
comment on function _wedding_dbopt.probe_load(timestamptz) is 'Load average of the machine over the last minute.';
