-- A pass that is late or was cancelled leaves its last source out, and a pass that never begins evaluates nothing.
create or replace function _wedding_dbopt.alerts_overdue(at timestamptz) returns boolean
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select not exists (select from _wedding_dbopt.alert_clock c where c.evaluated_at > alerts_overdue.at - interval '90 seconds'
                     and not _wedding_dbopt.clock_was_ahead(c.evaluated_at, alerts_overdue.at))
$$;
comment on function _wedding_dbopt.alerts_overdue(timestamptz) is 'Whether no pass has judged the samples for a minute and a half: then the tick does.';
