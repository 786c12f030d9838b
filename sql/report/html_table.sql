create or replace function _wedding_dbopt.html_table(heads text[], rows text[], nothing text) returns text
language sql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  -- A heading that begins with # stands over numbers. The rows come as cells, escaped by their makers.
  select case when cardinality(rows) > 0
    then format('<div class="scroll"><table><thead><tr>%s</tr></thead><tbody>%s</tbody></table></div>',
      (select string_agg(format('<th%s>%s</th>', case when head like '#%' then ' class="num"' end,
                _wedding_dbopt.html_escape(ltrim(head, '#'))), '' order by place)
       from unnest(heads) with ordinality as given(head, place)),
      (select string_agg('<tr>' || cells || '</tr>', e'\n' order by place) from unnest(rows) with ordinality as given(cells, place)))
    else format('<p class="empty">%s</p>', _wedding_dbopt.html_escape(nothing)) end
$$;
comment on function _wedding_dbopt.html_table(text[], text[], text) is
  'A table of the report from its headings and its rows of cells, or a sentence when there is no row.';
