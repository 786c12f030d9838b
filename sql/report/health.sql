create or replace function wedding_dbopt.health(at timestamptz default now())
returns table(severity text, check_name text, object text, finding text, remedy text)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with found as materialized (
    select found.severity, found.kind, found.object, found.reason, found.remedy, row_number() over () as place
    from wedding_dbopt.findings(null, false, health.at) as found
  )
  select page.severity, page.check_name, page.object, page.finding, page.remedy
  from (
    select found.severity, found.kind as check_name, found.object, found.reason as finding, found.remedy, found.place from found
    union all
    select 'ok', 'all', null, 'Nothing found.', null, 0 where not exists (select from found)
    union all
    select 'ok', 'state', null, _wedding_dbopt.state_summary(health.at), null, (select count(*) + 1 from found)) as page
  order by page.place
$$;
comment on function wedding_dbopt.health(timestamptz) is
  'One page: the rows of findings(), worst first, each with its numbers and the SQL that helps; one row ''ok'' when there are none, and last the state in one sentence.';
