-- pg_stat_statements normalises a text while it is parsed. A prepared statement that runs on after its entry was reset
-- or evicted comes back with the text as the client wrote it. What cannot be hidden for sure is cut to its keyword.
create or replace function _wedding_dbopt.hide_literals(query text) returns text
language plpgsql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  literal constant text := '\m(?:[eEnNbBxX]|[uU]&)?''(?:[^'']|'''')*''|''(?:[^'']|'''')*''|\$\$(?:[^$]|\$[^$])*\$\$|(?<![\w$.])\d{5,}(?:\.\d+)?\M';
  hidden  text := query;
  number  integer;
begin
  if query !~ literal and query !~ '''|\$[A-Za-z_]\w*\$' then
    return hidden;
  end if;
  select coalesce(max(parameter[1]::integer), 0) into number from regexp_matches(query, '\$(\d{1,5})', 'g') as parameter;
  while hidden ~ literal loop
    number := number + 1;
    hidden := regexp_replace(hidden, literal, '$' || number);
  end loop;
  if hidden ~ '''|\$[A-Za-z_]*\$' or query ~ '\\' then
    return _wedding_dbopt.first_word(query);
  end if;
  return hidden;
end $$;
comment on function _wedding_dbopt.hide_literals(text) is
  'Puts parameters in place of string literals and long numbers that pg_stat_statements left in a text.';
