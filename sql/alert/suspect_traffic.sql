create or replace function _wedding_dbopt.suspect_traffic(context text, at timestamptz)
returns table (of_context text, calls float8, usual_calls float8, factor float8, slowdown float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off
set enable_nestloop = off as $$  -- see store_contexts.sql
  with pass as materialized (
    select s.*, extract(epoch from s.at - s.previous_at)::float8 / 60 as minutes from _wedding_dbopt.statement_sample s
    where s.at <= suspect_traffic.at and s.at > suspect_traffic.at - interval '2 minutes' and s.previous_at is not null
    order by s.at desc limit 1
  ), used as (
    select coalesce(t.context, 'other') as context, u.calls::float8 as calls, u.exec_us / 1000.0::float8 as ms, n.calls_per_minute * p.minutes as usual_calls, n.mean_ms
    from pass p cross join lateral unnest(p.ids, p.calls, p.exec_us) as u (id, calls, exec_us)
    join _wedding_dbopt.statement t on t.id = u.id and not t.own and t.dbid = (select d.oid from pg_database d where d.datname = current_database())
    join _wedding_dbopt.statement_usual n on n.statement_id = u.id
    where u.calls > 0
  )
  select u.context, sum(u.calls), sum(u.usual_calls), sum(u.calls) / sum(u.usual_calls), sum(u.ms) / nullif(sum(u.calls * u.mean_ms), 0)
  from used u
  where suspect_traffic.context is null or u.context = suspect_traffic.context
  group by u.context
  -- A surge lifts and slows most statements; one that is called more often, or slower than the others, is that statement's affair.
  having sum(u.calls) >= 2.5 * sum(u.usual_calls)
    and count(*) filter (where u.calls >= 2 * u.usual_calls) >= 0.5 * count(*)
    and (count(*) = 1 or max(u.calls - u.usual_calls) <= 0.8 * sum(greatest(u.calls - u.usual_calls, 0))
                         and max(u.ms / u.calls / u.mean_ms) <= 3 * greatest(percentile_cont(0.5) within group (order by u.ms / u.calls / u.mean_ms), 1))
  order by sum(u.calls - u.usual_calls) desc
  limit 1
$$;
comment on function _wedding_dbopt.suspect_traffic(text, timestamptz) is
  'The context (the given one, or that with the greatest excess of calls) most of whose statements were called more often than usual in the last pass, together at least two and a half times, and none of which stands out; nothing otherwise.';
