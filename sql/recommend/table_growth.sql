create or replace function _wedding_dbopt.table_growth(tables text[], since timestamptz, until timestamptz) returns float8
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with size as (
    select d.relid, (array_agg(d.live order by d.at))[1] as first, (array_agg(d.live order by d.at desc))[1] as last
    from _wedding_dbopt.table_delta(table_growth.since, table_growth.until) d
    where d.relid in (select to_regclass(t)::oid from unnest(table_growth.tables) t) and d.live is not null group by d.relid
  )
  select coalesce(max(s.last::float8 / greatest(s.first, 100)), 1) from size s
$$;
comment on function _wedding_dbopt.table_growth(text[], timestamptz, timestamptz) is
  'By how much the table that grew most of these grew in a window (1 = not at all); a table of under a hundred rows counts as one of a hundred.';
