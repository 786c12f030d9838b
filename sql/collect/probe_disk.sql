-- Starting the Python interpreter costs a new session tens of milliseconds, so the disk is looked at each quarter of an hour.
create or replace function _wedding_dbopt.probe_disk(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  known _wedding_dbopt.system_last;
begin
  select * into known from _wedding_dbopt.system_last l
  where l.source = 'disk' and l.reset_at > probe_disk.at - interval '15 minutes' and l.reset_at <= probe_disk.at;
  if known.source is null then
    insert into _wedding_dbopt.system_last as l (source, reset_at, counters)
    select 'disk', probe_disk.at, array[d.total, d.free]
    from _wedding_dbopt.disk_space(current_setting('data_directory')) d
    on conflict (source) do update set reset_at = excluded.reset_at, counters = excluded.counters
    returning * into known;
  end if;
  return jsonb_build_object('disk_total', known.counters[1], 'disk_free', known.counters[2]);
end $$;
comment on function _wedding_dbopt.probe_disk(timestamptz) is
  'Size and free space in bytes of the file system of the data directory, at most a quarter of an hour old.';
