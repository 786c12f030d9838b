-- A quick answer from the text, for the time before the statement is parsed; a literal or a comment says nothing, but the
-- body of a DO, which is how pg_cron calls our jobs, is no literal.
create or replace function _wedding_dbopt.is_own(query text) returns boolean
language plpgsql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
declare
  head constant text := substring(query from '^(?:[^''$/-]|/(?!\*)|-(?!-))*');
  body constant text := case when head ~* '^\s*do\M' then substring(query from '\$\w*\$(.*)\$\w*\$') end;
begin
  if query !~* 'wedding_dbopt|index\s+concurrently\s.*\mwd_' then
    return false;
  end if;
  return _wedding_dbopt.hide_literals(coalesce(body, query), true) ~* '(?:^|[^\w$."])"?_?wedding_dbopt"?\s*\.'
      or head ~* '^\s*(?:create|alter|drop)\s+(?:extension|schema)\s+(?:if\s+(?:not\s+)?exists\s+)?"?_?wedding_dbopt\M'
      or head ~* '\mpg_temp\.wedding_dbopt_[0-9a-f]{24}\M'
      or head ~* '^\s*(?:create|drop|reindex)\s+(?:unique\s+)?index\s+concurrently\s[^()]*\mwd_\w+_[0-9a-f]{8}\M';
end $$;
comment on function _wedding_dbopt.is_own(text) is
  'Whether a statement''s text names something of this extension''s schemas, or makes or drops an index of ours.';
