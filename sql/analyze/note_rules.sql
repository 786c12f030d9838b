-- SECURITY DEFINER: who may analyze has no right to write our tables. It takes names of rules and a share, no other words and
-- not many, and only adds rows: whoever may analyze can call it with anything.
create or replace function _wedding_dbopt.note_rules(rules text[], gain float8, basis text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.require(
    note_rules.gain between -1 and 1 and length(note_rules.basis) <= 100 and cardinality(note_rules.rules) <= 100
      and not exists (select from unnest(note_rules.rules) r where (r ~ '^[a-z0-9_]{1,100}$') is not true),
    'At most 100 names of rules, a share between -1 and 1 and a short basis', 'analyze_query() calls this for what it offers.');
  insert into _wedding_dbopt.rule_use (at, rule, gain, basis)
  select clock_timestamp(), r.rule, note_rules.gain, note_rules.basis from unnest(note_rules.rules) as r (rule);
end $$;
comment on function _wedding_dbopt.note_rules(text[], float8, text) is
  'Notes that these rewrite rules took part in a form that was offered, and which share it saves.';
