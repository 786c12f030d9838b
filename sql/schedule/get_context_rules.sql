create or replace function wedding_dbopt.get_context_rules()
returns table (part text, pattern text, context text, criticality text, weight integer, enabled boolean, origin text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select r.part, r.pattern, r.context, r.criticality, r.weight, r.enabled, r.origin
  from _wedding_dbopt.context_rule r
  order by array_position(array['statement', 'schema', 'table', 'function', 'column', 'tag', 'name'], r.part), r.context, r.weight desc, r.pattern
$$;
comment on function wedding_dbopt.get_context_rules() is
  'The rules that give statements a business context and criticality by the names they touch: installed ones and users''.';
