-- The checks of the health page are the evidence of the advisers: what is measured once is not measured again.
create or replace function _wedding_dbopt.evidence_findings(at timestamptz)
returns table (kind text, object text, relid bigint, statements integer[], cause text, reason text, evidence jsonb)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select f.kind, f.object, f.relid::bigint, f.statements, f.cause, f.reason, f.evidence
  from (select * from _wedding_dbopt.check_settings(evidence_findings.at)
        union all select * from _wedding_dbopt.check_jit(evidence_findings.at)
        union all select * from _wedding_dbopt.check_statistics(evidence_findings.at)
        union all select * from _wedding_dbopt.check_vacuum(evidence_findings.at)) f
  where not exists (select from _wedding_dbopt.finding_mute m
                    where m.key in (f.kind, f.kind || ':' || f.object) and coalesce(m.muted_until > evidence_findings.at, true))
$$;
comment on function _wedding_dbopt.evidence_findings(timestamptz) is
  'The findings of the health check about settings, statistics and vacuum, with their numbers, without those that somebody muted.';
