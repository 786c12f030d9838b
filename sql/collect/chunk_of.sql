-- Fewer, and a row of an hour is often below the two kilobytes from which on PostgreSQL compresses: it would be twice as large.
create or replace function _wedding_dbopt.chunk_of(statement_id integer) returns integer
language sql immutable strict parallel safe security invoker
return chunk_of.statement_id / 128;
comment on function _wedding_dbopt.chunk_of(integer) is 'The chunk of 128 neighbouring statements that a roll-up packs one in.';
