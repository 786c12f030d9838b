-- The columns came with pg_stat_statements 1.10 (PostgreSQL 15); without them there is nothing to see.
create or replace function _wedding_dbopt.check_jit(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  home constant regnamespace := (select extnamespace from pg_extension where extname = 'pg_stat_statements');
  jit_ms     float8;
  exec_ms    float8;
  statements bigint;
begin
  if home is null or (select coalesce(reset_val, setting) from pg_settings where name = 'jit') <> 'on'
     or not exists (select from pg_proc where oid = to_regprocedure(format('%s.pg_stat_statements(boolean)', home)) and 'jit_generation_time' = any (proargnames)) then
    return;
  end if;
  execute format('select sum(jit_generation_time + jit_inlining_time + jit_optimization_time + jit_emission_time),
                         sum(total_exec_time), count(*) filter (where jit_functions > 0)
                  from %s.pg_stat_statements(false) where dbid = (select oid from pg_database where datname = current_database())', home) into jit_ms, exec_ms, statements;
  if jit_ms > 1000 and jit_ms > 0.05 * exec_ms then
    return query select 'jit_costs', 'warning', 'jit', null::oid, null::integer[], null::text,
      format('Compiling %s statements (JIT) took %s s, %s %% of all execution time: short statements pay more for it than it gives.', statements,
             round((jit_ms / 1000)::numeric, 1), round((100 * jit_ms / exec_ms)::numeric, 1)),
      jsonb_build_object('jit_ms', round(jit_ms::numeric), 'exec_ms', round(exec_ms::numeric)),
      _wedding_dbopt.set_and_reload('jit', 'off');
  end if;
end $$;
comment on function _wedding_dbopt.check_jit(timestamptz) is 'Findings: just-in-time compilation that takes a twentieth of the execution time, or more.';
