-- SECURITY DEFINER: readers may not see which libraries are preloaded. It takes no argument.
create or replace function wedding_dbopt.check_installation()
returns table (need text, status text, finding text, cost_of_lack text, remedy text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with preloaded as (
    select array_remove(regexp_split_to_array(current_setting('shared_preload_libraries'), '\s*,\s*'), '') as names
  ), extension as (
    select x.name, e.extversion as installed, a.default_version as available
    from unnest(array['pg_stat_statements', 'hypopg', 'pg_cron']) as x (name)
    left join pg_extension e on e.extname = x.name
    left join pg_available_extensions a on a.name = x.name
  ), check_row (place, need, good, finding, cost_of_lack, remedy) as (
    select 1, 'Python package', python.answer = 'ok',
           case when python.answer = 'ok' then 'loads for version ' || (select extversion from pg_extension where extname = 'wedding_dbopt')
                else python.answer end,
           'no analysis, advice or tuning; collection, reports and rollback requests go on',
           'make install   -- on the server, then a new session'
    from (select _wedding_dbopt.python_status()) as python (answer)
    union all
    select 2, 'pg_stat_statements preloaded', 'pg_stat_statements' = any (p.names),
           'shared_preload_libraries = ' || quote_literal(array_to_string(p.names, ',')),
           'no statement is seen: no history, no advice, no verification',
           format('ALTER SYSTEM SET shared_preload_libraries = %s;   -- then restart the server',
                  array_to_string(array(select quote_literal(n) from unnest(p.names || 'pg_stat_statements'::text) n), ', '))
    from preloaded p
    union all
    select 3, 'pg_cron preloaded', 'pg_cron' = any (p.names),
           'shared_preload_libraries = ' || quote_literal(array_to_string(p.names, ',')),
           'nothing runs by itself: collect(), tick() and maintain() must be called from outside',
           format('ALTER SYSTEM SET shared_preload_libraries = %s;   -- then restart the server',
                  array_to_string(array(select quote_literal(n) from unnest(p.names || 'pg_cron'::text) n), ', '))
    from preloaded p
    union all
    select 4, 'extension ' || x.name, x.installed is not null,
           case when x.installed is not null then 'version ' || x.installed
                when x.available is not null then 'available, not created in this database'
                else 'not installed on the server' end,
           case x.name when 'hypopg' then 'no index advice: it is chosen with hypothetical indexes'
                       when 'pg_cron' then 'nothing runs by itself: collect(), tick() and maintain() must be called from outside'
                       else 'no statement is seen' end,
           case when x.available is null and x.name = 'hypopg' then
                  format('apt-get install postgresql-%s-hypopg   -- then CREATE EXTENSION hypopg;', current_setting('server_version_num')::integer / 10000)
                when x.available is null and x.name = 'pg_cron' then
                  format('apt-get install postgresql-%s-cron   -- then preload it and CREATE EXTENSION pg_cron;', current_setting('server_version_num')::integer / 10000)
                when x.name = 'pg_cron' and coalesce(current_setting('cron.database_name', true), 'postgres') <> current_database() then
                  format('ALTER SYSTEM SET cron.database_name = %L;   -- restart, then CREATE EXTENSION pg_cron;', current_database())
                else format('CREATE EXTENSION %I;', x.name) end
    from extension x
    union all
    select 5, 'track_io_timing', current_setting('track_io_timing')::boolean, 'track_io_timing = ' || current_setting('track_io_timing'),
           'no read times: cold and warm calls cannot be told apart',
           'ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();'
    union all
    select 6, 'jobs scheduled', coalesce(last.at > now() - interval '3 minutes', false),
           coalesce('last pass at ' || coalesce(last.at, last.ahead), 'no pass yet')
             -- Its scheduler counts minutes from the last one it saw, and a session's pause ends at a time of the clock.
             || case when last.ahead is not null and last.at > now() - interval '3 minutes' is not true then ': the clock was set back, and pg_cron starts nothing until it has caught up'
                     when state.message is not null then '; the last run of a job: ' || btrim(state.message, E' \n')
                     when state.jobs > 0 then '; the jobs are on pg_cron and begin with the next minute' else '' end,
           'no history grows',
           case when last.ahead is not null then 'pg_ctl restart   -- or wait until the clock has caught up'
                when state.message = 'connection failed' then
                  'ALTER SYSTEM SET cron.use_background_workers = on;   -- then restart the server'
                when state.message is not null then
                  'SELECT * FROM cron.job_run_details ORDER BY runid DESC LIMIT 10;   -- what pg_cron says of each run'
                when state.jobs > 0 then 'SELECT * FROM wedding_dbopt.check_installation();   -- in two minutes'
                else 'SELECT * FROM wedding_dbopt.schedule_jobs();' end
    from _wedding_dbopt.jobs_state() state
    cross join (select max(l.at) filter (where l.at < now() + interval '1 minute') as at, max(l.at) filter (where l.at >= now() + interval '1 minute') as ahead
                from _wedding_dbopt.collect_log l where l.source = 'pass') last
    union all
    select 7, 'planner role', exists (select from pg_roles where rolname = 'wedding_dbopt_planner' and not rolsuper and not rolcanlogin),
           'role wedding_dbopt_planner', 'statements of superusers are not analysed',
           'CREATE ROLE wedding_dbopt_planner NOLOGIN NOSUPERUSER BYPASSRLS;'
  )
  select c.need, case when c.good then 'ok' else 'missing' end, c.finding,
         case when c.good then null else c.cost_of_lack end, case when c.good then null else c.remedy end
  from check_row c order by c.place, c.need
$$;
comment on function wedding_dbopt.check_installation() is
  'What the extension needs and has: each need with its status, what it costs to lack it, and the exact line that mends it.';
