-- What a connection costs: the anonymous memory of the client backends, which nobody shares. Some dozens are enough for
-- a mean, and it is looked at each quarter of an hour.
create or replace function _wedding_dbopt.probe_backends(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  known _wedding_dbopt.system_last;
begin
  select * into known from _wedding_dbopt.system_last l
  where l.source = 'backends' and l.reset_at > probe_backends.at - interval '15 minutes' and l.reset_at <= probe_backends.at;
  if known.source is null then
    insert into _wedding_dbopt.system_last as l (source, reset_at, counters)
    select 'backends', probe_backends.at, array[1024 * avg(substring(status from 'RssAnon:\s+([0-9]+) kB')::numeric)]
    from (select a.pid from pg_stat_activity a
          where a.backend_type = 'client backend' and a.pid <> pg_backend_pid() order by a.backend_start limit 50) backend
    cross join lateral pg_read_file(format('/proc/%s/status', backend.pid), 0, 4096, true) as status
    on conflict (source) do update set reset_at = excluded.reset_at, counters = excluded.counters
    returning * into known;
  end if;
  return jsonb_build_object('backend_memory', round(known.counters[1]));
end $$;
comment on function _wedding_dbopt.probe_backends(timestamptz) is
  'Mean private memory of a client connection in bytes, at most a quarter of an hour old; null while nobody else is connected.';
