create or replace function _wedding_dbopt.index_delta(since timestamptz, until timestamptz)
returns table (at timestamptz, relid oid, idx_scan bigint, idx_tup_read bigint, idx_tup_fetch bigint, blks_hit bigint,
  blks_read bigint, pages integer)
language sql stable parallel safe security invoker
begin atomic
  select s.at, unnest(s.relids), unnest(s.idx_scan), unnest(s.idx_tup_read), unnest(s.idx_tup_fetch), unnest(s.blks_hit),
    unnest(s.blks_read), unnest(s.pages)
  from _wedding_dbopt.index_sample s
  where s.at > index_delta.since and s.at <= index_delta.until;
end;
comment on function _wedding_dbopt.index_delta(timestamptz, timestamptz) is
  'How each index was used in each interval that ended in (since, until]; pages is its size at the end.';
