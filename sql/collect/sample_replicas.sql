create or replace function _wedding_dbopt.sample_replicas(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from _wedding_dbopt.replica) then
    perform _wedding_dbopt.fetch_replicas(sample_replicas.at::text);
    insert into _wedding_dbopt.collect_log (at, source, reason)
    select sample_replicas.at, 'replica ' || r.name, r.reason
    from _wedding_dbopt.replica r where r.failed_at = sample_replicas.at;
  end if;
end $$;
comment on function _wedding_dbopt.sample_replicas(timestamptz) is
  'Fetches the use of indexes and tables from the replicas, when there are any; loads Python.';
