create or replace function wedding_dbopt.get_query_history(query_hash text, time_range text default '24h', at timestamptz default now())
returns table(step_start timestamptz, calls bigint, calls_per_minute numeric, avg_duration numeric, stddev_duration numeric,
              p95_ms numeric, p95_low numeric, p95_high numeric, rows_returned bigint, cache_hit_ratio numeric,
              temp_blks_written bigint, wal_bytes bigint)
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp
set jit = off as $$
#variable_conflict use_column
declare
  step constant interval := case get_query_history.time_range
    when '1h' then interval '1 minute' when '24h' then interval '1 hour' when '7d' then interval '3 hours'
    when '30d' then interval '1 day' when '90d' then interval '1 day' end;
  since constant timestamptz := get_query_history.at - case get_query_history.time_range
    when '1h' then interval '1 hour' when '24h' then interval '24 hours' when '7d' then interval '7 days'
    when '30d' then interval '30 days' when '90d' then interval '90 days' end;
  zone constant text := _wedding_dbopt.setting_value('time_zone');
  wanted bigint;
begin
  perform _wedding_dbopt.require(step is not null, format('unknown time_range %L', get_query_history.time_range), 'Use 1h, 24h, 7d, 30d or 90d.');
  perform _wedding_dbopt.require(get_query_history.query_hash ~ '^-?\d{1,18}\d?$',
    format('%L is no query_hash', get_query_history.query_hash), 'get_query_performance() shows those that are known.');
  wanted := case when get_query_history.query_hash::numeric between -9223372036854775808 and 9223372036854775807
                 then get_query_history.query_hash::bigint end;
  return query
  select slot.begun, sum(slot.calls)::bigint,
         round((60 * sum(slot.calls) / nullif(extract(epoch from max(slot.ended) - min(slot.started)), 0))::numeric, 3),
         round((sum(slot.exec_ms) / nullif(sum(slot.calls), 0))::numeric, 6),
         round(sqrt(greatest(sum(slot.exec_sq) / nullif(sum(slot.calls), 0) - (sum(slot.exec_ms) / nullif(sum(slot.calls), 0)) ^ 2, 0))::numeric, 6),
         round(_wedding_dbopt.percentile_ms(nullif(sum(slot.calls)::bigint, 0), sum(slot.exec_ms), sum(slot.exec_sq), 0.95, 1.6448536269514722)::numeric, 6),
         round(_wedding_dbopt.percentile_low(nullif(sum(slot.calls)::bigint, 0), sum(slot.exec_ms), sum(slot.exec_sq), 0.95)::numeric, 6),
         round(_wedding_dbopt.percentile_high(nullif(sum(slot.calls)::bigint, 0), sum(slot.exec_ms), sum(slot.exec_sq), 0.95)::numeric, 6),
         sum(slot.rows)::bigint, round(sum(slot.hit)::numeric / nullif(sum(slot.hit) + sum(slot.read), 0), 6),
         sum(slot.temp_written)::bigint, sum(slot.wal_bytes)::bigint
  from (select case when step = interval '1 day' then date_trunc('day', load.begun, zone)
               else date_bin(step, load.begun, timestamp '2001-01-01' at time zone zone) end as begun, load.begun as started, load.ended,
          load.calls, load.exec_ms, load.exec_sq, load.rows, load.hit, load.read, load.temp_written, load.wal_bytes
        from _wedding_dbopt.statement
        cross join lateral _wedding_dbopt.statement_history(
          statement.id, since, get_query_history.at, get_query_history.time_range = '1h') as load
        where statement.queryid = wanted
          and statement.dbid = (select oid from pg_database where datname = current_database())) as slot
  group by slot.begun
  order by slot.begun;
end $$;
comment on function wedding_dbopt.get_query_history(text, text, timestamptz) is
  'One statement over time (1h, 24h, 7d, 30d, 90d): per minute, hour, three hours or day its calls, mean and deviation in milliseconds, the estimated 95th percentile with its bounds, rows, cache hits, temporary blocks and WAL. Steps in which it did not run are absent.';
