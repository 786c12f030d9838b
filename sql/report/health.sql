create or replace function wedding_dbopt.health(at timestamptz default now())
returns table(severity text, check_name text, object text, finding text, remedy text)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with found(severity, check_name, object, finding, remedy) as (
    select * from _wedding_dbopt.health_collection(health.at)
    union all select * from _wedding_dbopt.health_objectives(health.at)
    union all select * from _wedding_dbopt.health_sessions(health.at)
    union all select * from _wedding_dbopt.health_indexes(health.at)
    union all select * from _wedding_dbopt.health_server()
    union all select * from _wedding_dbopt.health_limits(health.at)
    union all
    select 'warning', 'failed_action', deed.schema_name || '.' || deed.object_name,
           format('Action %s (%s) failed at %s after %s attempts: %s', deed.id, deed.description, deed.finished_at, deed.attempts,
                  coalesce(deed.error, 'no message')),
           format('select * from wedding_dbopt.get_actions(%s, ''failed'')', deed.run_id)
    from _wedding_dbopt.action as deed
    where deed.state = 'failed' and deed.finished_at > health.at - interval '7 days' and deed.finished_at <= health.at
  )
  select found.severity, found.check_name, found.object, found.finding, found.remedy
  from (select * from found
        union all
        select 'ok', 'all', null, 'Nothing found.', null where not exists (select from found)) as found
  order by array_position(array['critical', 'warning', 'info', 'ok'], found.severity), found.check_name, found.object
$$;
comment on function wedding_dbopt.health(timestamptz) is
  'One page: what is wrong now, worst first, each finding with its numbers and the SQL that helps; one row ''ok'' when nothing is.';
