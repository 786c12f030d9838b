create or replace function _wedding_dbopt.resource_efficiency(
  since timestamptz, until timestamptz, out index_hit_percent float8, out calls_per_connection float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select (select 100.0 * coalesce(sum(delta.blks_hit), 0) / nullif(coalesce(sum(delta.blks_hit), 0) + coalesce(sum(delta.blks_read), 0), 0)
          from _wedding_dbopt.index_delta(resource_efficiency.since, resource_efficiency.until) as delta),
         (select sum(workload.calls) from _wedding_dbopt.workload_time(resource_efficiency.since, resource_efficiency.until) as workload)
         / (select nullif(avg(sample.active), 0) from _wedding_dbopt.connection_sample as sample
            where sample.at > resource_efficiency.since and sample.at <= resource_efficiency.until)
$$;
comment on function _wedding_dbopt.resource_efficiency(timestamptz, timestamptz) is
  'Of a window: the share of index blocks found in shared buffers, in percent, and the calls served per connection that was active on average.';
