-- What counts as excess depends on the trouble: WAL for checkpoints, WAL and temporary files for a disk that fills, blocks read for
-- the cache, else time. Of other contexts only a statement that outweighs the whole excess of this one is to blame.
create or replace function _wedding_dbopt.suspect_statements(kind text, context text, statement_id integer, at timestamptz)
returns table (statement_id integer, queryid bigint, of_context text, tables text[], first_seen timestamptz, minutes float8, calls float8, mean_ms float8,
               usual_calls float8, usual_ms float8, blocks float8, usual_blocks float8, excess float8, share float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off
set enable_nestloop = off as $$  -- see store_contexts.sql
  with pass as materialized (
    select s.* from _wedding_dbopt.statement_sample s
    where s.at <= suspect_statements.at and s.at > suspect_statements.at - interval '10 minutes' and s.previous_at is not null
    order by s.at desc
    limit case when suspect_statements.kind in ('budget_burn_fast', 'budget_burn', 'budget_burn_slow', 'disk_filling', 'checkpoints', 'cpu') then 5 else 1 end
  ), span as materialized (  -- as the sum below: the planner would sum again for each statement
    select sum(extract(epoch from p.at - p.previous_at))::float8 / 60 as minutes from pass p
  ), used as (
    select u.id, sum(u.calls)::float8 as calls, sum(u.exec_us) / 1000.0::float8 as ms, sum(coalesce(u.hit, 0) + coalesce(u.read, 0))::float8 as blocks,
      sum(coalesce(u.read, 0))::float8 as read, sum(coalesce(u.wal, 0))::float8 as wal, 8192 * sum(coalesce(u.temp, 0))::float8 as temp
    from pass p cross join lateral unnest(p.ids, p.calls, p.exec_us, p.hit, p.read, p.wal_bytes, p.temp_written) as u (id, calls, exec_us, hit, read, wal, temp)
    where u.calls > 0
    group by u.id
  ), scored as materialized (
    select t.id, t.queryid, coalesce(t.context, 'other') as context, t.tables, t.first_seen, s.minutes, u.calls, u.ms / u.calls as mean,
      n.calls_per_minute * s.minutes as usual_calls, n.mean_ms as usual_ms, u.blocks / u.calls as blocks, n.blocks as usual_blocks,
      case suspect_statements.kind when 'checkpoints' then u.wal when 'disk_filling' then u.wal + u.temp when 'cache_misses' then u.read
           else u.ms - coalesce(n.calls_per_minute * s.minutes * n.mean_ms, 0) end as excess
    from used u cross join span s
    join _wedding_dbopt.statement t on t.id = u.id and not t.own and t.dbid = (select d.oid from pg_database d where d.datname = current_database())
    left join _wedding_dbopt.statement_usual n on n.statement_id = u.id
  ), whole as materialized (
    select sum(s.excess) filter (where s.excess > 0) as everything,
      coalesce(sum(s.excess) filter (where s.excess > 0 and s.context = suspect_statements.context), 0) as own
    from scored s
  )
  select s.id, s.queryid, s.context, s.tables, s.first_seen, s.minutes, s.calls, s.mean, s.usual_calls, s.usual_ms, s.blocks, s.usual_blocks, s.excess, s.excess / w.everything
  from scored s cross join whole w
  where s.excess > 0
    and (s.id = suspect_statements.statement_id
         or suspect_statements.statement_id is null and (suspect_statements.context is null or s.context = suspect_statements.context or s.excess >= w.own))
  order by s.excess desc
  limit 3
$$;
comment on function _wedding_dbopt.suspect_statements(text, text, integer, timestamptz) is
  'The statements with the greatest excess over what they usually take (time, WAL or blocks read, as fits the kind of the alert), with their usual figures; share is of all excess.';
