-- A pass in which the statement ran a few times tells its blocks per call; whoever's differ by a factor of two is looked at.
create or replace function _wedding_dbopt.flip_candidates(since timestamptz, until timestamptz)
returns table (statement_id integer, queryid text, context text, criticality text, tables text[], exec_ms float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with pass as (
    select d.statement_id, d.exec_ms, case when d.calls >= 3 then (d.hit + d.read)::float8 / d.calls end as blocks
    from _wedding_dbopt.statement_delta(flip_candidates.since, flip_candidates.until) d where d.complete and d.calls > 0
  ), summed as (
    select p.statement_id, sum(p.exec_ms) as exec_ms, min(p.blocks) as least, max(p.blocks) as most, count(p.blocks) as passes from pass p group by p.statement_id
  )
  select s.id, s.queryid::text, coalesce(s.context, 'other'), coalesce(s.criticality, 'medium'), coalesce(s.tables, '{}'), u.exec_ms
  from summed u
  join _wedding_dbopt.statement s on s.id = u.statement_id and not s.own and s.dbid = (select d.oid from pg_database d where d.datname = current_database())
  where u.passes >= 6 and u.most >= 2 * u.least and u.most - u.least >= 20 and s.kind in ('select', 'insert', 'update', 'delete', 'merge') and s.tables <> '{}'
  order by u.exec_ms desc, s.id limit 30
$$;
comment on function _wedding_dbopt.flip_candidates(timestamptz, timestamptz) is
  'Statements whose blocks per call differ by a factor of two or more between passes of a window, those with most time first: their plan may have changed.';
