create or replace function _wedding_dbopt.season_relations(at timestamptz)
returns table (relid oid, name text, schema_name text, relation text, kind text, bytes bigint, blocks_per_hour float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select c.oid, u.name, n.nspname::text, c.relname::text, case when c.relkind = 'i' then 'index' else 'table' end,
         greatest(c.relpages, 1)::bigint * current_setting('block_size')::bigint, max(u.blocks_per_hour)
  from _wedding_dbopt.seasons_on(season_relations.at + interval '1 day') s
  join _wedding_dbopt.season_use u on u.season = s.name
  join pg_class c on c.oid = to_regclass(u.name) and c.relkind in ('r', 'm', 'i')
  join pg_namespace n on n.oid = c.relnamespace
  where s.name not in (select now.name from _wedding_dbopt.seasons_on(season_relations.at) now)
  group by c.oid, u.name, n.nspname, c.relname, c.relkind, c.relpages
$$;
comment on function _wedding_dbopt.season_relations(timestamptz) is
  'What the season that begins within a day asked for when it was on last, of what still exists; no row where none begins or none was seen yet.';
