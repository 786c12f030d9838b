create or replace function _wedding_dbopt.table_delta(since timestamptz, until timestamptz)
returns table (at timestamptz, relid oid, seq_scan bigint, seq_tup_read bigint, idx_scan bigint, idx_tup_fetch bigint,
  inserted bigint, updated bigint, deleted bigint, hot_updated bigint, live bigint, dead bigint, pages integer,
  heap_hit bigint, heap_read bigint)
language sql stable parallel safe security invoker
begin atomic
  select s.at, unnest(s.relids), unnest(s.seq_scan), unnest(s.seq_tup_read), unnest(s.idx_scan), unnest(s.idx_tup_fetch),
    unnest(s.inserted), unnest(s.updated), unnest(s.deleted), unnest(s.hot_updated), unnest(s.live), unnest(s.dead),
    unnest(s.pages), unnest(s.heap_hit), unnest(s.heap_read)
  from _wedding_dbopt.table_sample s
  where s.at > table_delta.since and s.at <= table_delta.until;
end;
comment on function _wedding_dbopt.table_delta(timestamptz, timestamptz) is
  'What happened to each table in each interval that ended in (since, until]; live, dead and pages are the values at its end.';
