-- Measured by the collector itself: in pg_stat_statements the minute's job counts with the time that it slept.
create or replace function _wedding_dbopt.own_cost(
  since timestamptz, until timestamptz, out collector_ms numeric, out statements_ms numeric, out share_percent numeric)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select spent.ms, used.ms, 100 * spent.ms / nullif(spent.ms + used.ms, 0)
  from (select coalesce(sum(log.duration_ms), 0) as ms
        from _wedding_dbopt.collect_log as log
        where log.at > own_cost.since and log.at <= own_cost.until
          and (log.source in ('pass', 'sessions') or log.source like 'hour: %' or log.source like 'maintain: %')) as spent,
       (select coalesce(sum(sums.exec_ms), 0)::numeric as ms
        from _wedding_dbopt.statement_time(own_cost.since, own_cost.until) as sums
        join _wedding_dbopt.statement on statement.id = sums.statement_id
        where not statement.own) as used
$$;
comment on function _wedding_dbopt.own_cost(timestamptz, timestamptz) is
  'Time that collection and maintenance took in a window, that of all users'' statements in all databases, and our share of both together in percent.';
