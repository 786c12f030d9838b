-- Noted are the findings before those of one cause are taken together, so a symptom that leads tomorrow is not new then.
-- All checks in one transaction would be the longest of the hour, so a call begins no further one when it has lasted a moment.
create or replace function _wedding_dbopt.remember_findings(at timestamptz) returns boolean
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  begun constant timestamptz := clock_timestamp();
  name  text;
begin
  for name in
    select known.check_name from wedding_dbopt.finding_kinds() as known where known.check_name <> 'run_checks'
    except select noted.check_name from _wedding_dbopt.check_noted as noted where noted.at = remember_findings.at
    order by 1
  loop
    if clock_timestamp() > begun + interval '30 milliseconds' then
      return true;
    end if;
    insert into _wedding_dbopt.finding_seen as seen (key, first_seen, last_seen)
    select distinct item.kind || ':' || item.object, remember_findings.at, remember_findings.at
    from _wedding_dbopt.run_checks(remember_findings.at, array[name]) as item
    on conflict (key) do update set last_seen = excluded.last_seen;
    insert into _wedding_dbopt.check_noted as noted (check_name, at) values (name, remember_findings.at)
    on conflict (check_name) do update set at = excluded.at;
  end loop;
  delete from _wedding_dbopt.check_noted;
  delete from _wedding_dbopt.finding_seen as seen where seen.last_seen < remember_findings.at - interval '7 days';
  return false;
end $$;
comment on function _wedding_dbopt.remember_findings(timestamptz) is
  'Step of maintain(): notes since when each finding is there, of a few checks at a call; one that was gone for a week begins anew. Answers whether checks are left.';
