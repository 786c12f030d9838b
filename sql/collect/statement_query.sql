-- Unpacks the row of one chunk. No SET, which would cost more than the reading; the body is parsed at creation.
create or replace function _wedding_dbopt.statement_query(statement_id integer) returns text
language sql stable parallel safe security invoker
begin atomic
  select c.queries[array_position(c.ids, statement_query.statement_id)]
  from _wedding_dbopt.text_chunk c
  where c.chunk = _wedding_dbopt.chunk_of_text(statement_query.statement_id) and statement_query.statement_id = any (c.ids);
end;
comment on function _wedding_dbopt.statement_query(integer) is
  'The text of a statement; null where none is known, and for those who may not read texts.';
