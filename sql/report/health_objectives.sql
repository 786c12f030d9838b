create or replace function _wedding_dbopt.health_objectives(at timestamptz)
returns table(severity text, check_name text, object text, finding text, remedy text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select case when goal.context in ('booking', 'payment') then 'critical' else 'warning' end, 'objective_missed', goal.context,
         format('%s calls of the last hour took %s ms on average, the objective is %s ms; slowest statement %s at %s ms.',
                goal.calls, round(goal.average_ms, 2), goal.objective_ms, goal.slowest_queryid, round(goal.slowest_average_ms, 2)),
         'select * from wedding_dbopt.optimize_database()'
  from wedding_dbopt.get_objectives(interval '1 hour', health_objectives.at) as goal
  where not goal.met
$$;
comment on function _wedding_dbopt.health_objectives(timestamptz) is
  'Findings of health() on business contexts that miss their latency objective in the last hour.';
