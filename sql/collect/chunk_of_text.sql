create or replace function _wedding_dbopt.chunk_of_text(statement_id integer) returns integer
language sql immutable strict parallel safe security invoker
return chunk_of_text.statement_id / 16;
comment on function _wedding_dbopt.chunk_of_text(integer) is 'The chunk of 16 neighbouring statements that a text is packed in.';
