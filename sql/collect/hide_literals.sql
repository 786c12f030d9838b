-- pg_stat_statements normalises a text while it is parsed, but keeps its comments, and a prepared statement that runs on
-- after its entry was reset or evicted comes back with the text as the client wrote it. So the text is cut into tokens as
-- the server would; what cannot be told for sure (an open quote, a tagged dollar quote, a backslash in a string, a nested
-- comment) leaves only the keyword. The longest alternative wins; plain text ends before the prefix of a string.
create or replace function _wedding_dbopt.hide_literals(query text) returns text
language plpgsql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  plain   constant text := '[[:alpha:]_][\w$]*|(?:[[:alpha:]_][\w$]*|[^[:alpha:]_\d''"$./-])+(?![\w$''&])|"(?:[^"]|"")*"|\$\d+';
  remark  constant text := '--[^\n\r]*|/\*(?:[^*/]|\*+[^*/]|/+[^*/])*\*+/';
  literal constant text := '(?:[eEnNbBxX]|[uU]&)?''(?:[^'']|'''')*''|\$\$(?:[^$]|\$[^$])*\$\$|\.?\d[\w.]*';
  number  integer;
  hidden  text := query;
  unclear boolean;
begin
  if query !~ '''|--|/\*|\$\D|\d{5}' then
    return hidden;
  end if;
  select coalesce(max(parameter[1]::integer), 0) into number from regexp_matches(query, '\$(\d{1,5})', 'g') as parameter;
  select string_agg(case t.kind when 'remark' then ' ' when 'literal' then '$' || number + t.literals else t.token end,
                    '' order by t.place),
    bool_or(t.token in ('''', '"', '$', '/*') or (t.kind = 'literal' and strpos(t.token, '\') > 0))
  into hidden, unclear
  from (
    select token[1] as token, place, kind.kind, count(*) filter (where kind.kind = 'literal') over (order by place) as literals
    from regexp_matches(query, format('%s|%s|%s|/\*|.', plain, remark, literal), 'g') with ordinality as part(token, place)
    cross join lateral (
      select case when left(token[1], 1) = '"' then 'plain' when left(token[1], 2) in ('--', '/*') then 'remark'
                  when right(token[1], 1) = '''' or token[1] ~ '^(?:\$\$|\d{5})' then 'literal'
                  else 'plain' end as kind) as kind) as t;
  if unclear then
    return _wedding_dbopt.first_word(query);
  end if;
  return btrim(hidden, E' \t\n\r');
end $$;
comment on function _wedding_dbopt.hide_literals(text) is
  'Removes comments and puts parameters in place of string literals and long numbers that pg_stat_statements left in a text.';
