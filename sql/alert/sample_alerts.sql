create or replace function _wedding_dbopt.sample_alerts(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.sample_transactions(sample_alerts.at);
  perform _wedding_dbopt.evaluate_alerts(sample_alerts.at);
end $$;
comment on function _wedding_dbopt.sample_alerts(timestamptz) is 'The last source of a pass: judges what the others stored.';
