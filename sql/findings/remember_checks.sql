create or replace function _wedding_dbopt.remember_checks(at timestamptz, checks text[]) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  insert into _wedding_dbopt.finding_seen as seen (key, first_seen, last_seen)
  select distinct item.kind || ':' || item.object, remember_checks.at, remember_checks.at
  from _wedding_dbopt.run_checks(remember_checks.at, remember_checks.checks) as item
  on conflict (key) do update set last_seen = excluded.last_seen
$$;
comment on function _wedding_dbopt.remember_checks(timestamptz, text[]) is 'Runs the checks that are named and notes what they find.';
