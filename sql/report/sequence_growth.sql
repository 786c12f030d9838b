create or replace function _wedding_dbopt.sequence_growth(at timestamptz)
returns table (relid oid, used float8, per_day float8, days integer)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with seen as (
    select s.at, u.relid, u.used
    from _wedding_dbopt.sequence_use s cross join lateral unnest(s.relids, s.used) as u (relid, used)
    where s.at > sequence_growth.at - interval '28 days' and s.at <= sequence_growth.at and u.used is not null
  )
  select seen.relid, max(seen.used), case when count(*) >= 3 then
           greatest(0, regr_slope(seen.used, extract(epoch from seen.at)::float8 / 86400)) end, count(*)::integer
  from seen group by seen.relid
$$;
comment on function _wedding_dbopt.sequence_growth(timestamptz) is
  'How much of its numbers each sequence has used (0 to 1), and by how much that grows a day (by the days of the last four weeks, three at least).';
