create or replace function _wedding_dbopt.context_percentiles(since timestamptz, until timestamptz)
returns table (context text, share float8, low float8, estimate float8, high float8)
language sql stable security invoker
set search_path = pg_catalog, pg_temp
set jit = off as $$
  select p.*
  from (select array_agg(w.context) as contexts, array_agg(w.calls) as calls, array_agg(w.exec_ms) as exec_ms, array_agg(w.exec_sq) as exec_sq
        from _wedding_dbopt.workload_time(context_percentiles.since, context_percentiles.until, true) w) load
  cross join lateral _wedding_dbopt.mixture_percentiles(load.contexts, load.calls, load.exec_ms, load.exec_sq) p
$$;
comment on function _wedding_dbopt.context_percentiles(timestamptz, timestamptz) is
  'The 50th, 95th and 99th percentile of the durations in each business context, milliseconds: between low and high for certain, estimate by lognormal distributions.';
