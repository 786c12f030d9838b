-- Constants of utility statements are not normalised by the server, and some are written without quotes (SET x = jane).
-- So only such of them are kept as touch tables, with every number hidden too. A prepared statement is what it runs. Of a
-- text that is longer than anybody reads the beginning is kept, which names its tables: to cut and parse megabytes takes many
-- seconds, in Python such as nobody can cancel. The dots keep what is left from being taken for a statement.
create or replace function _wedding_dbopt.stored_text(whole text) returns text
language sql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select case
    when w.word in ('select', 'values', 'table', 'insert', 'update', 'delete', 'merge', 'with') then _wedding_dbopt.hide_literals(query)
    when w.word = 'prepare' then
      regexp_replace(_wedding_dbopt.hide_literals(query),
                     '^\s*prepare\s+(?:"(?:[^"]|"")*"|[\w$]+)\s*(?:\((?:[^()]|\([^()]*\))*\)\s*)?as\s+', '', 'i')
    when w.word in ('copy', 'explain', 'declare', 'call', 'truncate', 'refresh', 'lock', 'vacuum', 'analyze', 'analyse', 'cluster') then
      _wedding_dbopt.hide_literals(query, true)
    else w.word end
  from (select _wedding_dbopt.first_word(whole), case when length(whole) > 100000 then left(whole, 100000) || ' ...' else whole end) as w (word, query)
$$;
comment on function _wedding_dbopt.stored_text(text) is
  'What the dictionary keeps of a text: no comment, no literal; of utility statements that touch no table''s rows the keyword only.';
