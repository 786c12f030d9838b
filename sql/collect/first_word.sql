-- A body that is parsed at creation needs no search_path of its own; without one the planner can inline it.
create or replace function _wedding_dbopt.first_word(query text) returns text
language sql immutable parallel safe security invoker
return coalesce(
  lower(substring(query from '^[A-Za-z]+')),
  lower(substring(query from '^(?:[\s(;]|--[^\n]*|/\*(?:[^*/]|\*+[^*/]|/+[^*/])*\*+/)*([A-Za-z]+)')),
  'unknown');
comment on function _wedding_dbopt.first_word(text) is 'First keyword of a statement, behind comments and parentheses, in lower case.';
