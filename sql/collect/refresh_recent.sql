create or replace function _wedding_dbopt.refresh_recent(at timestamptz) returns void
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  select _wedding_dbopt.keep_recent(false, h.until - interval '23 hours', h.until)
  from (select date_trunc('hour', refresh_recent.at, 'UTC') as until) h
$$;
comment on function _wedding_dbopt.refresh_recent(timestamptz) is
  'Sums the last 23 closed hours into statement_recent.';
