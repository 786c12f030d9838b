create or replace function _wedding_dbopt.forget_texts(ids integer[]) returns void
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  with rest as materialized (
    select c.ctid as place, array_agg(t.id order by t.id) filter (where t.id <> all (forget_texts.ids)) as ids,
      array_agg(t.query order by t.id) filter (where t.id <> all (forget_texts.ids)) as queries
    from _wedding_dbopt.text_chunk c cross join lateral unnest(c.ids, c.queries) as t (id, query)
    where c.chunk in (select _wedding_dbopt.chunk_of_text(i.id) from unnest(forget_texts.ids) as i (id)) and c.ids && forget_texts.ids
    group by c.ctid
  ), emptied as (
    delete from _wedding_dbopt.text_chunk c using rest r where c.ctid = r.place and r.ids is null
  ), observed as (
    delete from _wedding_dbopt.observed_text o where o.statement_id = any (forget_texts.ids)
  ), aged as (
    delete from _wedding_dbopt.bound_age b where b.statement_id = any (forget_texts.ids)
  )
  update _wedding_dbopt.text_chunk c set ids = r.ids, queries = r.queries from rest r where c.ctid = r.place and r.ids is not null
$$;
comment on function _wedding_dbopt.forget_texts(integer[]) is 'Removes the texts of statements, also those with constants, and the ages of their dates.';
