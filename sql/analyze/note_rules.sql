-- SECURITY DEFINER: who may analyze has no right to write our tables. It takes words and a number, and only adds rows.
create or replace function _wedding_dbopt.note_rules(rules text[], gain float8, basis text) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  insert into _wedding_dbopt.rule_use (at, rule, gain, basis)
  select clock_timestamp(), r.rule, note_rules.gain, note_rules.basis
  from unnest(note_rules.rules) as r (rule) where length(r.rule) <= 100
$$;
comment on function _wedding_dbopt.note_rules(text[], float8, text) is
  'Notes that these rewrite rules took part in a form that was offered, and which share it saves.';
