create or replace function _wedding_dbopt.remember_findings(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  insert into _wedding_dbopt.finding_seen as seen (key, first_seen, last_seen)
  select item.key, remember_findings.at, remember_findings.at from _wedding_dbopt.known_findings(remember_findings.at) as item
  on conflict (key) do update set last_seen = excluded.last_seen;
  delete from _wedding_dbopt.finding_seen as seen where seen.last_seen < remember_findings.at - interval '7 days';
end $$;
comment on function _wedding_dbopt.remember_findings(timestamptz) is
  'Step of maintain(): notes since when each finding is there; one that was gone for a week begins anew.';
