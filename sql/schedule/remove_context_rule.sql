-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.remove_context_rule(pattern text, part text default 'name') returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  wanted text := lower(btrim(remove_context_rule.pattern));
  known _wedding_dbopt.context_rule;
begin
  select r.* into known from _wedding_dbopt.context_rule r where r.part = remove_context_rule.part and r.pattern = wanted;
  perform _wedding_dbopt.require(found, format('There is no rule for the %s %L', part, pattern),
    'SELECT part, pattern FROM wedding_dbopt.get_context_rules();');
  if known.origin = 'default' then  -- a deleted one would come back with CREATE EXTENSION
    update _wedding_dbopt.context_rule r set enabled = false where r.part = known.part and r.pattern = known.pattern;
  else
    delete from _wedding_dbopt.context_rule r where r.part = known.part and r.pattern = known.pattern;
  end if;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'context_rule', format('%s %s', known.part, wanted), to_jsonb(known)::text, null, 'removed by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'previous', to_jsonb(known), 'disabled', known.origin = 'default');
end $$;
comment on function wedding_dbopt.remove_context_rule(text, text) is
  'Removes a rule of context and criticality; an installed one is switched off, and set_context_rule brings it back.';
