create or replace function _wedding_dbopt.sample_connections(at timestamptz) returns void
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  with client as materialized (
    select a.state, a.wait_event_type, a.wait_event, a.backend_start, a.query_start, a.xact_start, clock_timestamp() as now
    from pg_stat_activity a
    where a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
  ), waits as (
    select c.wait_event_type || ':' || c.wait_event as name, count(*) as backends
    from client c
    where c.state = 'active' and c.wait_event is not null
    group by 1
  )
  insert into _wedding_dbopt.connection_sample
    (at, active, idle, idle_in_transaction, waiting, total, max_connections, reserved, avg_age_s, max_query_s,
     max_transaction_s, wait_events)
  select sample_connections.at,
    count(*) filter (where c.state in ('active', 'fastpath function call')),
    count(*) filter (where c.state = 'idle'),
    count(*) filter (where c.state like 'idle in transaction%'),
    count(*) filter (where c.state = 'active' and c.wait_event_type = 'Lock'),
    count(*),
    current_setting('max_connections')::integer,
    current_setting('superuser_reserved_connections')::integer
      + coalesce(current_setting('reserved_connections', true)::integer, 0),
    avg(extract(epoch from c.now - c.backend_start)),
    max(extract(epoch from c.now - c.query_start)) filter (where c.state = 'active'),
    max(extract(epoch from c.now - c.xact_start)),
    (select jsonb_object_agg(w.name, w.backends) from waits w)
  from client c
$$;
comment on function _wedding_dbopt.sample_connections(timestamptz) is
  'Stores the number of client connections by state, their ages in seconds and what the active ones wait for; without our own session.';
