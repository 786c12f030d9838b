create or replace function _wedding_dbopt.remember_load_findings(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.remember_checks(remember_load_findings.at, _wedding_dbopt.load_checks());
end $$;
comment on function _wedding_dbopt.remember_load_findings(timestamptz) is
  'Step of maintain(): notes since when each finding about the load is there; apart from the others, so that both are short transactions.';
