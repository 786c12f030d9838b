-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.set_context_rule(
  pattern text, context text default null, criticality text default null, part text default 'name',
  weight integer default 10, enabled boolean default true) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  parts constant text[] := array['name', 'table', 'function', 'schema', 'column', 'tag', 'statement'];
  wanted text := lower(btrim(set_context_rule.pattern));
  known jsonb;
  given jsonb;
begin
  perform _wedding_dbopt.require(part = any (parts), format('Unknown part %L', part), format('Use one of %s.', array_to_string(parts, ', ')));
  perform _wedding_dbopt.require(
    context is null or context in (select c.context from _wedding_dbopt.contexts() c), format('Unknown context %L', context),
    (select format('Use one of %s.', string_agg(c.context, ', ' order by c.place)) from _wedding_dbopt.contexts() c));
  perform _wedding_dbopt.require(
    criticality is null or criticality in ('critical', 'high', 'medium', 'low'), format('Unknown criticality %L', criticality),
    'Use critical, high, medium or low.');
  perform _wedding_dbopt.require(context is not null or criticality is not null, 'A rule needs a context or a criticality',
    'Context other takes what matches out of all contexts.');
  perform _wedding_dbopt.require(weight between 1 and 1000, 'A weight is a number from 1 to 1000', 'The default rules have 5 to 25.');
  perform _wedding_dbopt.require(enabled is not null, 'A rule is enabled or not', 'Leave enabled out, or pass true or false.');
  perform _wedding_dbopt.require(
    length(wanted) <= 200 and case part
      when 'statement' then wanted ~ '^-?\d{1,19}$'
      when 'tag' then wanted ~ '[[:alnum:]]' and wanted !~ '[[:cntrl:]]'
      when 'table' then wanted ~ '[[:alnum:]]' and wanted ~ '^[[:alnum:]_$*]+(\.[[:alnum:]_$*]+)?$'
      when 'function' then wanted ~ '[[:alnum:]]' and wanted ~ '^[[:alnum:]_$*]+(\.[[:alnum:]_$*]+)?$'
      else wanted ~ '[[:alnum:]]' and wanted ~ '^[[:alnum:]_$*]+$' end,
    format('%L is no pattern for a %s', pattern, part),
    case part when 'statement' then 'Pass the query_hash that get_query_performance() shows.'
              when 'tag' then 'Pass a word of the tag''s value, or key=value; * stands for any text.'
              else 'Pass a word of the name (bookings), several (guest_list), or a whole name with * for any text (bk_*); a table or function may have its schema before a dot.' end);
  select to_jsonb(r) into known from _wedding_dbopt.context_rule r
  where r.part = set_context_rule.part and r.pattern = wanted;
  insert into _wedding_dbopt.context_rule as r (part, pattern, context, criticality, weight, enabled)
  values (set_context_rule.part, wanted, set_context_rule.context, set_context_rule.criticality, set_context_rule.weight, set_context_rule.enabled)
  on conflict on constraint context_rule_pkey do update
  set (context, criticality, weight, enabled) = row(excluded.context, excluded.criticality, excluded.weight, excluded.enabled)
  returning to_jsonb(r) into given;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'context_rule', format('%s %s', part, wanted), known::text, given::text, 'set by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'rule', given, 'previous', known);
end $$;
comment on function wedding_dbopt.set_context_rule(text, text, text, text, integer, boolean) is
  'Adds or changes a rule of what a name tells: pattern is a word of names (bookings), several words (guest_list), or a whole name with * (bk_*, crm.*); part says of what: name (tables, functions and tags of comments), table, function, schema, column, tag (key=value) or statement (a query_hash). Statements are classified anew in the next ticks.';
