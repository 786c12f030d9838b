-- Starting the Python interpreter costs a new session tens of milliseconds, so the disk is looked at each quarter of an hour.
create or replace function _wedding_dbopt.probe_disk(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  home  constant text := current_setting('data_directory');
  known _wedding_dbopt.system_last;
  other jsonb;
begin
  select * into known from _wedding_dbopt.system_last l
  where l.source = 'disk' and l.reset_at > probe_disk.at - interval '15 minutes' and l.reset_at <= probe_disk.at;
  if known.source is null then
    insert into _wedding_dbopt.system_last as l (source, reset_at, counters)
    select 'disk', probe_disk.at, array[d.total, d.free]
    from _wedding_dbopt.disk_space(home) d
    on conflict (source) do update set reset_at = excluded.reset_at, counters = excluded.counters
    returning * into known;
    select jsonb_agg(to_jsonb(d) order by d.name) into other
    from (select array_agg(p.name order by p.path <> home || '/pg_wal', p.name) as names,
                 array_agg(p.path order by p.path <> home || '/pg_wal', p.name) as paths
          from (select 'WAL' as name, home || '/pg_wal' as path
                union all
                select 'tablespace ' || t.spcname, pg_tablespace_location(t.oid) from pg_tablespace t) p
          where p.path <> '') given
    cross join _wedding_dbopt.other_disks(home, given.names, given.paths) d;
  end if;
  return jsonb_build_object('disk_total', known.counters[1], 'disk_free', known.counters[2], 'other_disks', other);
end $$;
comment on function _wedding_dbopt.probe_disk(timestamptz) is
  'Size and free space in bytes of the file system of the data directory, at most a quarter of an hour old; and of those of WAL and tablespaces that lie elsewhere, when they were looked at.';
