-- The query is one of ours. Its first answer is a base line; a key that is new since then began at zero, one whose
-- counters fell began anew.
create or replace function _wedding_dbopt.keyed_growth(source text, at timestamptz, query text)
returns table (previous_at timestamptz, key text, counters bigint[])
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set enable_nestloop = off as $$
#variable_conflict use_column
declare
  since timestamptz;
begin
  select l.reset_at into since from _wedding_dbopt.system_last l where l.source = keyed_growth.source;
  insert into _wedding_dbopt.system_last as l (source, reset_at, counters) values (keyed_growth.source, keyed_growth.at, '{}')
  on conflict on constraint system_last_pkey do update set reset_at = excluded.reset_at;
  return query execute format($sql$
    with now as (
      select n.key, n.counters from (%s) as n (key, counters)
    ), changed as materialized (
      select n.key, n.counters, l.ctid as old_place, l.counters as old
      from now n full join (select o.ctid, o.* from _wedding_dbopt.keyed_last o where o.source = $1) as l on l.key = n.key
      where n.key is null or l.key is null or n.counters <> l.counters
    ), gone as (
      delete from _wedding_dbopt.keyed_last l using changed d
      where l.ctid = d.old_place and d.key is null
    ), met as (
      insert into _wedding_dbopt.keyed_last (source, key, counters) select $1, d.key, d.counters from changed d where d.old_place is null
    ), kept as (
      update _wedding_dbopt.keyed_last l set counters = d.counters from changed d
      where l.ctid = d.old_place and d.key is not null
    )
    select $2, d.key, case when restart.found then d.counters else array(
        select p.now - coalesce(p.old, 0) from unnest(d.counters, d.old) with ordinality as p (now, old, place) order by p.place) end
    from changed d
    cross join lateral (select exists (select from unnest(d.counters, d.old) as p (now, old) where p.now < p.old) as found) as restart
    where d.key is not null and $2 is not null
    $sql$, query)
  using keyed_growth.source, since;
end $$;
comment on function _wedding_dbopt.keyed_growth(text, timestamptz, text) is
  'Keeps the counters that a query of ours gives by key, and returns the growth of those that changed since the last call; nothing the first time.';
