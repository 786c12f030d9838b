-- The estimate: rows times the average widths of their columns, against the pages that are there. Alignment, dropped
-- columns and deduplicated B-trees make it wrong by up to a quarter, so only half or more, and 10 MB, is reported.
create or replace function _wedding_dbopt.check_bloat(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with block as (
    select current_setting('block_size')::integer as size
  ), width as materialized (
    select * from _wedding_dbopt.column_widths()
  ), row_width as (
    select held.relid, held.name, held.pages, held.tuples,
           coalesce(substring(array_to_string(held.options, ' ') from 'fillfactor=(\d+)')::float8, 100) / 100 as filled,
           28 + 8 * ceil(sum(coalesce(width.width, 0)) / 8) as bytes, bool_and(width.width is not null) as is_known
    from _wedding_dbopt.user_tables() as held
    join pg_attribute on pg_attribute.attrelid = held.relid and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    left join width on width.relid = held.relid and width.attnum = pg_attribute.attnum
    where held.kind in ('r', 'm') and held.pages >= 1280
    group by held.relid, held.name, held.pages, held.tuples, held.options
  ), bloated_table as (
    select row_width.*, ceil(row_width.tuples * row_width.bytes / ((block.size - 24) * row_width.filled)) as needed
    from row_width, block
    where row_width.is_known or row_width.tuples = 0
  ), key_width as (
    select index.oid, held.relid, format('%I.%I', held.schema_name, index.relname) as name, held.name as table_name, index.relpages as pages,
           index.reltuples, coalesce(substring(array_to_string(index.reloptions, ' ') from 'fillfactor=(\d+)')::float8, 90) / 100 as filled,
           12 + 8 * ceil(sum(coalesce(width.width, 0)) / 8) as bytes, bool_and(width.width is not null) as is_known
    from _wedding_dbopt.user_tables() as held
    join pg_index on pg_index.indrelid = held.relid and pg_index.indisvalid
    join pg_class as index on index.oid = pg_index.indexrelid and index.relkind = 'i' and index.relpages >= 1280
    join pg_am on pg_am.oid = index.relam and pg_am.amname = 'btree'
    cross join unnest(pg_index.indkey::smallint[]) with ordinality as part (attnum, place)
    left join width on (width.relid, width.attnum) = (case when part.attnum = 0 then pg_index.indexrelid else pg_index.indrelid end,
                                                      case when part.attnum = 0 then part.place::smallint else part.attnum end)
    group by index.oid, held.relid, held.schema_name, index.relname, held.name, index.relpages, index.reltuples, index.reloptions
  ), bloated_index as (
    select key_width.*, 1 + ceil(key_width.reltuples * key_width.bytes / ((block.size - 40) * key_width.filled)) as needed
    from key_width, block
    where (key_width.is_known or key_width.reltuples = 0) and key_width.reltuples >= 0
  )
  select 'bloated_table', 'warning', bloated.name, bloated.relid, null::integer[], 'vacuum ' || bloated.name,
         format('%s takes %s, its rows need about %s (estimated from the average widths, up to a quarter wrong). VACUUM FULL locks the table while it rewrites it; pg_repack does the same without.',
                bloated.name, pg_size_pretty(bloated.pages * block.size::bigint), pg_size_pretty((bloated.needed * block.size)::bigint)),
         jsonb_build_object('bytes', bloated.pages * block.size::bigint, 'needed_bytes', bloated.needed * block.size),
         'vacuum (full, analyze) ' || bloated.name
  from bloated_table as bloated, block
  where bloated.pages - bloated.needed >= 1280 and bloated.needed <= 0.5 * bloated.pages
  union all
  select 'bloated_index', 'warning', bloated.name, bloated.relid, null, 'vacuum ' || bloated.table_name,
         format('The index %s takes %s, its entries need about %s (estimated from the average widths, up to a quarter wrong).',
                bloated.name, pg_size_pretty(bloated.pages * block.size::bigint), pg_size_pretty((bloated.needed * block.size)::bigint)),
         jsonb_build_object('bytes', bloated.pages * block.size::bigint, 'needed_bytes', bloated.needed * block.size),
         'reindex index concurrently ' || bloated.name
  from bloated_index as bloated, block
  where bloated.pages - bloated.needed >= 1280 and bloated.needed <= 0.5 * bloated.pages;
end $$;
comment on function _wedding_dbopt.check_bloat(timestamptz) is 'Findings: tables and B-trees that take at least twice the space their rows need, and 10 MB more.';
