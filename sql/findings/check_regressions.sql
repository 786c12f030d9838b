-- Blocks per call do not change with the traffic: who takes longer for the same work is a victim, not a finding.
-- The p-values are multiplied by the number of statements compared.
create or replace function _wedding_dbopt.check_regressions(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with hour as materialized (
    select * from _wedding_dbopt.workload_time(check_regressions.at - interval '1 hour', check_regressions.at)
  ), now as materialized (
    -- Few statements have a hundredth of the time; only their past is read.
    select hour.* from hour where hour.calls >= 50 and hour.exec_ms >= 0.01 * (select sum(hour.exec_ms) from hour)
  ), work as (
    select done.* from _wedding_dbopt.statement_work(array(select now.statement_id from now), check_regressions.at - interval '1 hour', check_regressions.at) as done
  ), before as (
    select now.statement_id, sum(past.calls) as calls, sum(past.exec_ms) as exec_ms, sum(past.exec_sq) as exec_sq, sum(past.hit + past.read) as blocks
    from now, _wedding_dbopt.statement_history(now.statement_id, check_regressions.at - interval '8 days', check_regressions.at - interval '1 hour', false) as past
    group by now.statement_id having sum(past.calls) >= 200
  ), compared as (
    select now.statement_id, now.queryid, now.context, now.calls, now.exec_ms / now.calls as mean, before.exec_ms / before.calls as mean_before,
           (work.hit + work.read)::float8 / now.calls as blocks, before.blocks::float8 / before.calls as blocks_before,
           _wedding_dbopt.welch_p_value(
             before.exec_ms / before.calls::float8, sqrt(greatest(before.exec_sq / before.calls - (before.exec_ms / before.calls) ^ 2, 0) / before.calls), before.calls::float8,
             now.exec_ms / now.calls, sqrt(greatest(work.exec_sq / now.calls - (now.exec_ms / now.calls) ^ 2, 0) / now.calls), now.calls) * count(*) over () as p_value
    from now
    join before on before.statement_id = now.statement_id
    join work on work.statement_id = now.statement_id
  )
  select 'regressed_statement', 'warning', compared.queryid::text, null::oid, array[compared.statement_id], null::text,
         format('Statement %s (%s) takes %s ms in the last hour, %s ms in the week before, and touches %s blocks in place of %s: its plan or its data changed.', compared.queryid, compared.context,
                round(compared.mean::numeric, 2), round(compared.mean_before::numeric, 2), round(compared.blocks), round(compared.blocks_before)),
         jsonb_build_object('queryid', compared.queryid::text, 'average_ms', compared.mean, 'before_ms', compared.mean_before, 'blocks', compared.blocks,
                            'blocks_before', compared.blocks_before, 'calls', compared.calls),
         'select * from wedding_dbopt.optimize_database()'
  from compared
  where compared.mean > 1.5 * compared.mean_before and compared.mean - compared.mean_before >= 1 and compared.p_value < 0.001
    and compared.blocks > 1.3 * compared.blocks_before;
end $$;
comment on function _wedding_dbopt.check_regressions(timestamptz) is
  'Findings: statements that are slower in the last hour than in the week before and do more work for a call.';
