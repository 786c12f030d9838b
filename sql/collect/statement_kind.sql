create or replace function _wedding_dbopt.statement_kind(query text) returns text
language sql immutable parallel safe security invoker
return case _wedding_dbopt.first_word(query)
  when 'select' then 'select' when 'values' then 'select' when 'table' then 'select'
  when 'insert' then 'insert' when 'update' then 'update' when 'delete' then 'delete' when 'merge' then 'merge'
  when 'with' then null
  else 'utility' end;
comment on function _wedding_dbopt.statement_kind(text) is
  'select, insert, update, delete, merge or utility by the first keyword; null for WITH, which only a parser can tell.';
