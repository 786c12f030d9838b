create or replace function _wedding_dbopt.baseline_load(kept _wedding_dbopt.baseline)
returns table(statement_id integer, context text, calls bigint, exec_ms float8, exec_sq float8, rows bigint, hit bigint,
  read bigint, temp_written bigint, wal_bytes bigint, rate_error float8, mean_error float8, blocks_error float8,
  slices float8, rate_slices float8, objective_ms numeric, objective_met boolean)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select packed.id, null::text, packed.calls, packed.exec_us / 1000.0::float8, packed.exec_sq, coalesce(packed.rows, 0), coalesce(packed.hit, 0),
         coalesce(packed.read, 0), coalesce(packed.temp_written, 0), coalesce(packed.wal_bytes, 0), packed.rate_error,
         packed.mean_error, packed.blocks_error, packed.slices, kept.rate_slices, null::numeric, null::boolean
  from (select unnest(kept.ids) as id, unnest(kept.calls) as calls, unnest(kept.exec_us) as exec_us, unnest(kept.exec_sq) as exec_sq,
               unnest(kept.rows) as rows, unnest(kept.hit) as hit, unnest(kept.read) as read, unnest(kept.temp_written) as temp_written,
               unnest(kept.wal_bytes) as wal_bytes, unnest(kept.rate_error) as rate_error, unnest(kept.mean_error) as mean_error,
               unnest(kept.blocks_error) as blocks_error, unnest(kept.slices) as slices) as packed
  union all
  select null, stored.context, stored.calls, stored.exec_ms, stored.exec_sq, stored.rows, stored.hit, stored.read, stored.temp_written,
         stored.wal_bytes, stored.rate_error, stored.mean_error, stored.blocks_error, stored.slices, kept.rate_slices, stored.objective_ms, stored.objective_met
  from jsonb_to_recordset(kept.contexts) as stored(context text, calls bigint, exec_ms float8, exec_sq float8, rows bigint, hit bigint,
         read bigint, temp_written bigint, wal_bytes bigint, rate_error float8, mean_error float8, blocks_error float8, slices float8,
         objective_ms numeric, objective_met boolean)
$$;
comment on function _wedding_dbopt.baseline_load(_wedding_dbopt.baseline) is 'The load that a baseline holds, one row per statement and per context, as load_figures() gives it.';
