create or replace function _wedding_dbopt.pack_statements(since timestamptz, until timestamptz)
returns table (chunk integer, ids integer[], calls bigint[], exec_us bigint[], exec_sq real[], rows bigint[], hit bigint[],
  read bigint[], temp_written bigint[], wal_bytes bigint[])
language sql stable security invoker
set search_path = pg_catalog, pg_temp
set jit = off as $$
  select _wedding_dbopt.chunk_of(load.statement_id), array_agg(load.statement_id), array_agg(load.calls), array_agg((1000 * load.exec_ms)::bigint),
    array_agg(load.exec_sq::real),
    case when max(load.rows) > 0 then array_agg(load.rows) end,
    case when max(load.hit) > 0 then array_agg(load.hit) end,
    case when max(load.read) > 0 then array_agg(load.read) end,
    case when max(load.temp_written) > 0 then array_agg(load.temp_written) end,
    case when max(load.wal_bytes) > 0 then array_agg(load.wal_bytes) end
  from (select * from _wedding_dbopt.statement_sum(pack_statements.since, pack_statements.until) s order by s.statement_id) load
  group by _wedding_dbopt.chunk_of(load.statement_id)
$$;
comment on function _wedding_dbopt.pack_statements(timestamptz, timestamptz) is
  'What each statement did in a window, packed into chunks of 128 neighbouring ids, as the roll-ups store it.';
