-- pg_stat_statements normalises a text while it is parsed, but keeps its comments, and a prepared statement that runs on
-- after its entry was reset or evicted comes back with the text as the client wrote it. So the text is cut into tokens as
-- the server would; what cannot be told for sure (an open quote, a tagged dollar quote, a backslash in a string, a nested
-- comment) leaves only the keyword. The longest alternative wins; plain text ends before the prefix of a string. Of the
-- numbers, a normalised text keeps those of types (numeric(12, 2)) and places (order by 1): never behind an operator.
create or replace function _wedding_dbopt.hide_literals(query text, every_number boolean default false) returns text
language plpgsql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  plain   constant text := '[[:alpha:]_][\w$]*|(?:[[:alpha:]_][\w$]*|[^[:alpha:]_\d''"$./-])+(?![\w$''&])|"(?:[^"]|"")*"|\$\d+';
  remark  constant text := '--[^\n\r]*|/\*(?:[^*/]|\*+[^*/]|/+[^*/])*\*+/';
  first_remark constant text := '^((?:[^''"$/-]|"[^"]*"|\$\d|/(?!\*)|-(?!-))*)(?:' || remark || ')';
  literal constant text := '(?:[eEnNbBxX]|[uU]&)?''(?:[^'']|'''')*''|\$\$(?:[^$]|\$[^$])*\$\$|\.?\d[\w.]*';
  number  integer;
  hidden  text := query;
  unclear boolean;
begin
  -- A comment that nothing before could hide goes at once: most texts have no other trouble.
  while strpos(hidden, '--') > 0 or strpos(hidden, '/*') > 0 loop
    exit when hidden !~ first_remark;
    hidden := regexp_replace(hidden, first_remark, '\1 ');
  end loop;
  if hidden !~ '''|--|/\*|\$\D|(?<![\d$])\d{5}|[-=<>*/%|~+&#^]\s*\.?\d' and not (every_number and hidden ~ '\d') then
    return case when hidden = query then query else btrim(hidden, E' \t\n\r') end;
  end if;
  select coalesce(max(parameter[1]::integer), 0) into number from regexp_matches(hidden, '\$(\d{1,5})', 'g') as parameter;
  select string_agg(case t.kind when 'remark' then ' ' when 'literal' then '$' || number + t.literals else t.token end,
                    '' order by t.place),
    bool_or(t.token in ('''', '"', '$', '/*') or (t.kind = 'literal' and strpos(t.token, '\') > 0))
  into hidden, unclear
  from (
    select token, place, kind.kind, count(*) filter (where kind.kind = 'literal') over (order by place) as literals
    from (select part.token[1] as token, part.place, lag(part.token[1]) over (order by part.place) as before
          from regexp_matches(hidden, format('%s|%s|%s|/\*|.', plain, remark, literal), 'g') with ordinality as part(token, place)) as cut
    cross join lateral (
      select case when left(token, 1) = '"' then 'plain' when left(token, 2) in ('--', '/*') then 'remark'
                  when right(token, 1) = '''' or token ~ '^(?:\$\$|\d{5})' then 'literal'
                  when token ~ '^\.?\d' and (every_number or before ~ '[-=<>*/%|~+&#^]\s*$') then 'literal'
                  else 'plain' end as kind) as kind) as t;
  if unclear then
    return _wedding_dbopt.first_word(query);
  end if;
  return btrim(hidden, E' \t\n\r');
end $$;
comment on function _wedding_dbopt.hide_literals(text, boolean) is
  'Removes comments and puts parameters in place of string literals and constant numbers that pg_stat_statements left in a text.';
