create or replace function wedding_dbopt.get_wait_events(
  time_window interval default '1 hour', limit_count integer default 100, at timestamptz default now())
returns table(wait_event_type text, wait_event text, query_hash text, query text, wedding_context text, business_criticality text,
              samples bigint, avg_sessions numeric, share numeric)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  since constant timestamptz := _wedding_dbopt.window_start(get_wait_events.at, get_wait_events.time_window);
begin
  perform _wedding_dbopt.require(get_wait_events.time_window > interval '0', 'time_window must be positive', 'For example ''1 hour''.');
  perform _wedding_dbopt.require(get_wait_events.limit_count > 0, 'limit_count must be positive', 'Ask for 1 row or more.');
  return query
  with taken as (
    select sum(sample.samples) as samples from _wedding_dbopt.connection_sample as sample
    where sample.at > since and sample.at <= get_wait_events.at
  ), waited as (
    select delta.queryid, delta.wait, sum(delta.sessions)::bigint as sessions
    from _wedding_dbopt.wait_delta(since, get_wait_events.at) as delta
    where delta.dbid is null or delta.dbid = (select oid from pg_database where datname = current_database())
    group by delta.queryid, delta.wait
  ), known as (
    -- The same statement issued by several roles is one query here.
    select distinct on (statement.queryid) statement.queryid, statement.id, statement.own, statement.context, statement.criticality
    from _wedding_dbopt.statement
    where statement.queryid in (select waited.queryid from waited)
      and statement.dbid = (select oid from pg_database where datname = current_database())
    order by statement.queryid, statement.id
  )
  select coalesce(split_part(waited.wait, ':', 1), 'CPU'), coalesce(split_part(waited.wait, ':', 2), 'CPU'),
         waited.queryid::text, _wedding_dbopt.statement_query(known.id), known.context, known.criticality, waited.sessions,
         round(waited.sessions / taken.samples::numeric, 4), round(waited.sessions / sum(waited.sessions) over (), 6)
  from taken cross join waited
  left join known on known.queryid = waited.queryid
  where known.own is not true
  order by waited.sessions desc, waited.queryid, waited.wait
  limit get_wait_events.limit_count;
end $$;
comment on function wedding_dbopt.get_wait_events(interval, integer, timestamptz) is
  'What active sessions waited for, by statement and business context, from the samples inside each minute: samples = sessions seen, avg_sessions = on average at once, share = of all active sessions seen. CPU = it waited for nothing. A row without query_hash is work that no statement id was known for, or that was beyond the 200 busiest statements of its minute; query is null for those who may not read statement texts.';
