create or replace function _wedding_dbopt.store_texts(ids integer[], queries text[]) returns void
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  insert into _wedding_dbopt.text_chunk (chunk, ids, queries)
  select _wedding_dbopt.chunk_of_text(t.id), array_agg(t.id order by t.id), array_agg(t.query order by t.id)
  from unnest(store_texts.ids, store_texts.queries) as t (id, query)
  where t.query is not null
  group by _wedding_dbopt.chunk_of_text(t.id)
  order by _wedding_dbopt.chunk_of_text(t.id)
$$;
comment on function _wedding_dbopt.store_texts(integer[], text[]) is 'Keeps the texts of statements that have none yet.';
