create or replace function _wedding_dbopt.check_workload(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with day as materialized (
    select used.statement_id, used.queryid, used.userid, used.kind, used.context, used.calls, used.exec_ms, used.rows, used.hit, used.read, used.temp_written
    from _wedding_dbopt.day_window(check_workload.at) as last_day
    cross join lateral _wedding_dbopt.workload(last_day.since, last_day.until) as used
  ), whole as materialized (
    select sum(day.exec_ms) as all_ms, sum(day.calls::float8) as all_calls from day
  ), hour as materialized (
    select * from _wedding_dbopt.workload_time(check_workload.at - interval '1 hour', check_workload.at)
  ), late as (
    -- What is certain: so many calls were slower than the objective of their time.
    select load.context, 100 * (1 - sum(load.above_low) / sum(load.calls)) as within
    from _wedding_dbopt.context_hours(check_workload.at - interval '1 hour', check_workload.at) as load
    where load.above is not null group by load.context
  ), context as materialized (
    -- Summed before it meets the objectives: no array or order of all its statements is made for a context that is well.
    select used.*, objective.latency_ms, late.within, 100 * objective.success_target as target,
           used.mean <= objective.latency_ms as met, used.mean > objective.latency_ms or late.within < 100 * objective.success_target as missed
    from (select hour.context, sum(hour.calls) as calls, sum(hour.exec_ms) / sum(hour.calls) as mean, max(hour.exec_ms / hour.calls) as slowest_ms
          from hour group by hour.context) as used
    join _wedding_dbopt.objective on objective.context = used.context
    left join late on late.context = used.context
  ), slow as (
    select hour.*, context.latency_ms as objective_ms, context.missed, hour.exec_ms / hour.calls as mean
    from hour join context on context.context = hour.context
    where hour.calls >= 20 and hour.exec_ms / hour.calls > context.latency_ms
  ), server as materialized (
    select sum(sample.xact_commit) as commits, sum(sample.xact_rollback) as rollbacks, sum(sample.deadlocks) as deadlocks
    from _wedding_dbopt.system_sample as sample where sample.at > check_workload.at - interval '24 hours' and sample.at <= check_workload.at
  ), connected as (
    -- Half the passes of the hour found sessions that were only just made.
    select percentile_cont(0.5) within group (order by sample.avg_age_s) as age_s, percentile_cont(0.5) within group (order by sample.total_max) as sessions, count(*) as passes
    from _wedding_dbopt.connection_sample as sample where sample.at > check_workload.at - interval '1 hour' and sample.at <= check_workload.at and sample.total >= 3
  ), scanned as (
    select delta.relid, sum(delta.seq_scan) as scans, sum(delta.seq_tup_read) as rows
    from (  -- not table_delta(), which unpacks five times as many columns
      select unnest(sample.relids) as relid, unnest(sample.seq_scan) as seq_scan, unnest(sample.seq_tup_read) as seq_tup_read
      from _wedding_dbopt.table_sample as sample where sample.at > check_workload.at - interval '24 hours' and sample.at <= check_workload.at) as delta
    group by delta.relid
  ), spilling as (
    -- What is sorted takes more room in memory than on disk; beyond 256 MB a statement wants another way, not more memory.
    select day.*, work_mem.setting::bigint as work_mem,
           least(262144, 2 ^ ceil(log(2.0, 3.0 * day.temp_written / day.calls * current_setting('block_size')::integer / 1024)))::bigint as needed
    from day, whole, pg_settings as work_mem
    where work_mem.name = 'work_mem' and day.calls >= 20 and day.temp_written / day.calls >= 128 and day.exec_ms >= 0.01 * whole.all_ms
  ), superuser as (
    select pg_roles.rolname, used.*
    from (select day.userid, sum(day.calls::float8)::bigint as calls from day where day.context <> 'other' group by day.userid) as used
    join pg_roles on pg_roles.oid = used.userid and pg_roles.rolsuper
  )
  select 'objective_missed', case when goal.context in ('booking', 'payment') then 'critical' else 'warning' end, goal.context, null::oid,
         array(select hour.statement_id from hour where hour.context = goal.context), 'objective ' || goal.context,
         format('%s calls of the last hour took %s ms on average, the objective is %s ms; slowest statement %s at %s ms.%s',
                goal.calls, round(goal.mean::numeric, 2), goal.latency_ms, slowest.queryid, round(goal.slowest_ms::numeric, 2),
                case when goal.met then format(' At most %s %% of the calls were within it, %s %% should be.', round(goal.within, 2), round(goal.target, 2)) else '' end),
         jsonb_build_object('calls', goal.calls, 'average_ms', goal.mean, 'objective_ms', goal.latency_ms, 'within_percent_at_most', goal.within,
                            'slowest_queryid', slowest.queryid::text),
         'select * from wedding_dbopt.optimize_database()'
  from context as goal
  cross join lateral (select hour.queryid from hour where hour.context = goal.context order by hour.exec_ms / hour.calls desc limit 1) as slowest
  where goal.missed
  union all
  select 'slow_statement', 'warning', slow.queryid::text, null, array[slow.statement_id], case when slow.missed then 'objective ' || slow.context end,
         format('Statement %s (%s) takes %s ms on average over %s calls of the last hour, the objective of its context is %s ms.', slow.queryid, slow.context,
                round(slow.mean::numeric, 2), slow.calls, slow.objective_ms),
         jsonb_build_object('queryid', slow.queryid::text, 'average_ms', slow.mean, 'calls', slow.calls, 'objective_ms', slow.objective_ms),
         'select * from wedding_dbopt.optimize_database()'
  from slow
  union all
  select 'spills_to_disk', 'warning', spilling.queryid::text, null, array[spilling.statement_id], null,
         format('Statement %s wrote %s of temporary files in %s calls of the last day: its sorts or hashes do not fit into work_mem (%s).', spilling.queryid,
                pg_size_pretty(spilling.temp_written * current_setting('block_size')::bigint), spilling.calls, pg_size_pretty(spilling.work_mem * 1024)),
         jsonb_build_object('queryid', spilling.queryid::text, 'temp_blocks', spilling.temp_written, 'calls', spilling.calls),
         format('alter database %I set work_mem = %L', current_database(), spilling.needed || 'kB')
  from spilling where spilling.work_mem < spilling.needed
  union all
  select 'cold_statement', 'info', day.queryid::text, null, array[day.statement_id], null,
         format('Statement %s found %s %% of its blocks in shared_buffers, and read %s from elsewhere in the last day.', day.queryid,
                round(100.0 * day.hit / (day.hit + day.read), 1), pg_size_pretty(day.read * current_setting('block_size')::bigint)),
         jsonb_build_object('queryid', day.queryid::text, 'hit', day.hit, 'read', day.read), 'select * from wedding_dbopt.optimize_database()'
  from day, whole
  where day.calls >= 20 and day.read >= 100000 and day.hit < 0.9 * (day.hit + day.read) and day.exec_ms >= 0.05 * whole.all_ms
  union all
  select 'too_many_rows', 'info', day.queryid::text, null, array[day.statement_id], null,
         format('Statement %s fetches %s rows at each of its %s calls: nobody reads so many, so it may want a LIMIT or its sums made in the database.', day.queryid,
                day.rows / day.calls, day.calls),
         jsonb_build_object('queryid', day.queryid::text, 'rows', day.rows, 'calls', day.calls), null
  from day
  where day.kind = 'select' and day.calls >= 20 and day.rows / day.calls >= 10000
  union all
  select 'one_row_at_a_time', 'info', day.queryid::text, null, array[day.statement_id], null,
         format('Statement %s ran %s times in the last day, %s times in each transaction of the server, for a row at most each time: an application asks in a loop what one statement (= any(...), or a join) answers.',
                day.queryid, day.calls, round(day.calls::numeric / server.commits)),
         jsonb_build_object('queryid', day.queryid::text, 'calls', day.calls, 'commits', server.commits), null
  from day, server
  where day.kind = 'select' and day.calls >= 10000 and day.rows <= day.calls and server.commits > 0 and day.calls >= 10 * server.commits
  union all
  select 'large_sequential_scans', 'warning', held.name, held.relid, null, null,
         format('%s was read from end to end %s times in the last day, %s rows each time.', held.name, scanned.scans, round(scanned.rows / scanned.scans)),
         jsonb_build_object('scans', scanned.scans, 'rows_read', scanned.rows, 'rows', held.tuples), 'select * from wedding_dbopt.optimize_database()'
  from scanned join _wedding_dbopt.user_tables() as held on held.relid = scanned.relid
  where scanned.scans >= 100 and scanned.rows / scanned.scans >= 10000
  union all
  select 'superuser_application', 'warning', superuser.rolname::text, null,
         array(select day.statement_id from day where day.userid = superuser.userid and day.context <> 'other'), null,
         format('The superuser %s ran %s statements on the platform''s tables in the last day: one injected statement there owns the server, and no policy holds. Give the application a role of its own.',
                superuser.rolname, superuser.calls),
         jsonb_build_object('calls', superuser.calls), null
  from superuser, whole where superuser.calls >= 1000 and superuser.calls >= 0.05 * whole.all_calls
  union all
  select 'many_rollbacks', 'warning', current_database()::text, null, null, null,
         format('%s of %s transactions of the last day were rolled back: an application meets errors, or waits for locks, that its log should name.', server.rollbacks, server.commits + server.rollbacks),
         jsonb_build_object('commits', server.commits, 'rollbacks', server.rollbacks), null
  from server where server.rollbacks >= 1000 and server.rollbacks >= 0.1 * (server.commits + server.rollbacks)
  union all
  select 'deadlocks', 'warning', current_database()::text, null, null, null,
         format('%s deadlocks in the last day: transactions lock the same rows in different orders; the server''s log names them.', server.deadlocks),
         jsonb_build_object('deadlocks', server.deadlocks), null
  from server where server.deadlocks >= 5
  union all
  select 'connection_churn', 'warning', current_database()::text, null, null, null,
         format('Connections were %s s old on average in the last hour: applications make a new one for each request, and each costs a process and a login. A pool in front (PgBouncer, or the one of the application''s driver) keeps them.',
                round(connected.age_s::numeric, 1)),
         jsonb_build_object('age_s', connected.age_s, 'sessions', connected.sessions), null
  from connected where connected.passes >= 20 and connected.age_s < 5;
end $$;
comment on function _wedding_dbopt.check_workload(timestamptz) is
  'Findings: contexts and statements that miss their objective, and statements that cost more than they need.';
