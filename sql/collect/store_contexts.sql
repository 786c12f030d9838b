-- The calls above the objective are bounded; between the bounds a lognormal distribution gives the estimate.
-- The planner guesses a handful of statements as long as the dictionary has no statistics: it would compare each with each.
create or replace function _wedding_dbopt.store_contexts(since timestamptz, until timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
set jit = off as $$
#variable_conflict use_column
begin
  delete from _wedding_dbopt.context_sample c where c.at > store_contexts.since and c.at <= store_contexts.until;
  insert into _wedding_dbopt.context_sample
    (at, previous_at, context, calls, exec_ms, exec_sq, rows, hit, read, above, above_low, above_high)
  select b.at, b.previous_at, b.context, sum(b.calls), sum(b.exec_ms), sum(b.exec_sq), sum(b.rows), sum(b.hit), sum(b.read),
    case when min(b.objective) is not null then
      sum(least(greatest(case when b.low = b.high then b.low else b.calls * _wedding_dbopt.normal_tail(b.z) end, b.low), b.high)) end,
    sum(b.low) filter (where b.objective is not null), sum(b.high) filter (where b.objective is not null)
  from (
    select m.*, _wedding_dbopt.lognormal_z(m.mean, m.variance, m.objective) as z,
      _wedding_dbopt.calls_above_low(m.calls, m.mean, m.variance, m.objective) as low,
      _wedding_dbopt.calls_above_high(m.calls, m.mean, m.variance, m.objective) as high
    from (
      select d.*, o.objective, e.mean, greatest(d.exec_sq / d.calls - e.mean * e.mean, 0) as variance
      from (
        select s.at, s.previous_at, coalesce(s.context, 'other') as context, s.calls::float8 as calls, s.exec_us / 1000.0::float8 as exec_ms,
          s.exec_sq::float8 as exec_sq, coalesce(s.rows, 0)::float8 as rows, coalesce(s.hit, 0)::float8 as hit, coalesce(s.read, 0)::float8 as read
        from (select p.at, p.previous_at, t.context, p.calls, p.exec_us, p.exec_sq, p.rows, p.hit, p.read
              from (select s.at, s.previous_at, unnest(s.ids) as id, unnest(s.calls) as calls, unnest(s.exec_us) as exec_us,
                      unnest(s.exec_sq) as exec_sq, unnest(s.rows) as rows, unnest(s.hit) as hit, unnest(s.read) as read
                    from _wedding_dbopt.statement_sample s
                    where s.at > store_contexts.since and s.at <= store_contexts.until) p
              join _wedding_dbopt.statement t on t.id = p.id
              where not t.own and t.dbid = (select d.oid from pg_database d where d.datname = current_database())
                and p.calls > 0
              offset 0) s) d  -- a fence: the objectives are met by what ran, not by the whole dictionary
      left join (select o.context, o.latency_ms::float8 as objective from _wedding_dbopt.objective o) o using (context)
      cross join lateral (select greatest(d.exec_ms / d.calls, 1e-6) as mean offset 0) e
      offset 0) m  -- a fence: what is worked out here is not worked out again in each expression that uses it
    offset 0) b
  group by b.at, b.previous_at, b.context;
end $$;
comment on function _wedding_dbopt.store_contexts(timestamptz, timestamptz) is
  'Sums the passes in (since, until] by business context, with the number of calls above the objective: estimated, at least, at most. May be repeated.';
