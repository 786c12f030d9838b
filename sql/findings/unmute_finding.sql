-- SECURITY DEFINER: who may operate needs no rights on our tables.
create or replace function wedding_dbopt.unmute_finding(key text) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from _wedding_dbopt.finding_mute as mute where mute.key = unmute_finding.key;
  perform _wedding_dbopt.require(found, format('%s is not muted', coalesce(quote_literal(unmute_finding.key), 'null')),
    'SELECT key FROM wedding_dbopt.findings(include_muted => true) WHERE muted;');
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'finding', unmute_finding.key, 'muted', 'shown', 'unmuted by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'key', unmute_finding.key);
end $$;
comment on function wedding_dbopt.unmute_finding(text) is 'Shows a muted finding, or kind, again.';
