-- SECURITY DEFINER: who may operate needs no rights on our tables.
create or replace function wedding_dbopt.mute_finding(key text, reason text, until timestamptz default null) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  muted_until constant timestamptz := mute_finding.until;
begin
  perform _wedding_dbopt.require(
    exists (select from wedding_dbopt.finding_kinds() as known where known.kind = split_part(mute_finding.key, ':', 1)),
    format('%s is no finding', coalesce(quote_literal(mute_finding.key), 'null')),
    'Give a key of wedding_dbopt.findings(), or a kind of wedding_dbopt.finding_kinds() to mute all of it.');
  perform _wedding_dbopt.require(btrim(mute_finding.reason) <> '', 'A mute needs a reason', 'Say for the next reader why this may stay.');
  perform _wedding_dbopt.require(muted_until is null or muted_until > now(), 'until must be in the future', 'null mutes for good.');
  insert into _wedding_dbopt.finding_mute as mute (key, reason, muted_by, muted_at, muted_until)
  values (mute_finding.key, mute_finding.reason, _wedding_dbopt.actor(), clock_timestamp(), muted_until)
  on conflict (key) do update
    set reason = excluded.reason, muted_by = excluded.muted_by, muted_at = excluded.muted_at, muted_until = excluded.muted_until;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'finding', mute_finding.key, 'muted', mute_finding.reason);
  return jsonb_build_object('success', true, 'key', mute_finding.key, 'until', muted_until);
end $$;
comment on function wedding_dbopt.mute_finding(text, text, timestamptz) is
  'Hides a finding, or a whole kind, for good or until a time; the reason is kept and findings(include_muted => true) still shows it.';
