-- Noted are the findings before those of one cause are taken together, so a symptom that leads tomorrow is not new then.
create or replace function _wedding_dbopt.remember_findings(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.remember_checks(remember_findings.at, array(
    select distinct known.check_name from wedding_dbopt.finding_kinds() as known
    where known.check_name <> all (_wedding_dbopt.load_checks())));
  delete from _wedding_dbopt.finding_seen as seen where seen.last_seen < remember_findings.at - interval '7 days';
end $$;
comment on function _wedding_dbopt.remember_findings(timestamptz) is
  'Step of maintain(): notes since when each finding is there, but for those of remember_load_findings(); one that was gone for a week begins anew.';
