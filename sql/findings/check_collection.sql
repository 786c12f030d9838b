create or replace function _wedding_dbopt.check_collection(at timestamptz)
returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with pass as (
    select max(log.at) as at, check_collection.at - max(log.at) as age
    from _wedding_dbopt.collect_log as log
    where log.source = 'pass' and log.reason is null and log.at <= check_collection.at
  ), gap as (
    select count(*) as gaps, max(missed.gap) as longest, sum(missed.missed) as passes
    from _wedding_dbopt.gaps(check_collection.at - interval '24 hours', (select pass.at from pass)) as missed
  ), latest as (
    select sample.dealloc, sample.entries from _wedding_dbopt.statement_sample as sample
    where sample.at <= check_collection.at order by sample.at desc limit 1
  ), evicted as (
    select latest.dealloc - sample.dealloc as entries
    from latest, lateral (
      select sample.dealloc from _wedding_dbopt.statement_sample as sample
      where sample.at > check_collection.at - interval '24 hours' and sample.at <= check_collection.at
      order by sample.at limit 1) as sample
  ), room as (
    select setting::integer as value, pending_restart from pg_settings where name = 'pg_stat_statements.max'
  )
  select 'collection', 'critical', 'collect', null::oid, null::integer[], null::text, 'No metrics have been collected yet.', '{}'::jsonb,
         case when (select state.jobs from _wedding_dbopt.jobs_state() as state) = 0
              then 'select wedding_dbopt.schedule_jobs()' else 'select * from wedding_dbopt.check_installation()' end
  from pass where pass.at is null
  union all
  select 'collection', case when pass.age > interval '15 minutes' then 'critical' else 'warning' end, 'collect', null, null, null,
         format('The last collection pass was %s minutes ago.', round(extract(epoch from pass.age) / 60, 1)), jsonb_build_object('last_pass', pass.at),
         E'call wedding_dbopt.collect();\nselect wedding_dbopt.schedule_jobs()'
  from pass where pass.age > interval '3 minutes'
  union all
  select 'collection_gaps', 'info', 'collect', null, null, null,
         format('%s gaps without a collection pass in the last 24 hours: %s passes are missing, the longest gap was %s minutes.', gap.gaps,
                gap.passes, round(extract(epoch from gap.longest) / 60, 1)),
         jsonb_build_object('gaps', gap.gaps, 'passes', gap.passes, 'longest_s', extract(epoch from gap.longest)),
         'select * from wedding_dbopt.get_collection_stats()'
  from gap where gap.gaps > 0
  union all
  select 'collection_source', 'warning', refused.source, null, null, null,
         format('The source %s gave nothing in the last pass: %s', refused.source, refused.reason), jsonb_build_object('reason', refused.reason),
         'select need, finding, remedy from wedding_dbopt.check_installation() where status <> ''ok'''
  from (select log.source, log.reason
        from pass join _wedding_dbopt.collect_log as log on log.at = pass.at
        where log.reason is not null) as refused
  union all
  select 'own_cost', 'warning', 'collect', null, null, null,
         format('Collection took %s ms a minute in the last hour, %s %% of the time of all statements.',
                round(own.collector_ms / 60), round(own.share_percent, 2)),
         jsonb_build_object('collector_ms', own.collector_ms, 'share_percent', own.share_percent),
         'select * from wedding_dbopt.get_collection_stats(''1 hour'')'
  from (  -- what is below any doubt is not compared with the load
    select sum(log.duration_ms) as ms from _wedding_dbopt.collect_log as log
    where log.at > check_collection.at - interval '1 hour' and log.at <= check_collection.at) as spent
  cross join lateral _wedding_dbopt.own_cost(
    check_collection.at - case when spent.ms > 36000 then interval '1 hour' else interval '0' end, check_collection.at) as own
  where spent.ms > 36000 and own.share_percent > 1 and own.collector_ms > 36000
  union all
  select 'pg_stat_statements_evictions', 'warning', 'pg_stat_statements.max', null, null, 'pg_stat_statements.max',
         format('pg_stat_statements threw entries out %s times in the last 24 hours: calls of rare statements are lost. pg_stat_statements.max is %s.', evicted.entries, room.value),
         jsonb_build_object('evictions', evicted.entries, 'max', room.value),
         _wedding_dbopt.set_and_reload('pg_stat_statements.max', (2 * room.value)::text)
  from evicted, room where evicted.entries > 0 and not room.pending_restart
  union all
  select 'pg_stat_statements_full', 'info', 'pg_stat_statements.max', null, null, 'pg_stat_statements.max',
         format('pg_stat_statements holds %s statements, pg_stat_statements.max is %s.', latest.entries, room.value),
         jsonb_build_object('entries', latest.entries, 'max', room.value),
         _wedding_dbopt.set_and_reload('pg_stat_statements.max', (2 * room.value)::text)
  from latest, room
  where latest.entries > 0.9 * room.value and not room.pending_restart
  union all
  select 'disk_space', case when disk.disk_free < 0.05 * disk.disk_total then 'critical' else 'warning' end, 'data directory', null, null, null,
         format('%s of %s are free on the disk of the data directory: when it is full, the server stops.', pg_size_pretty(disk.disk_free), pg_size_pretty(disk.disk_total)),
         jsonb_build_object('free', disk.disk_free, 'total', disk.disk_total), null
  from (select sample.disk_free, sample.disk_total from _wedding_dbopt.system_sample as sample
        where sample.at <= check_collection.at and sample.at > check_collection.at - interval '1 hour' and sample.disk_free is not null
        order by sample.at desc limit 1) as disk
  where disk.disk_free < 0.1 * disk.disk_total
  union all
  select 'disk_space', case when other.free < 0.05 * other.total then 'critical' else 'warning' end, other.name, null, null, null,
         format('%s of %s are free on the disk of %s: when it is full, %s.', pg_size_pretty(other.free), pg_size_pretty(other.total), other.name,
                case when other.name ~ '^WAL' then 'the server stops' else 'statements fail' end),
         jsonb_build_object('free', other.free, 'total', other.total), null
  from _wedding_dbopt.disks_beside(check_collection.at) as other
  where other.free < 0.1 * other.total
  union all
  select 'kill_switch', 'critical', 'enabled', null, null, null, 'The kill switch is pulled: nothing is applied.', '{}', 'select wedding_dbopt.resume()'
  where _wedding_dbopt.setting_value('enabled') <> 'on'
  union all
  select 'failed_action', 'warning', deed.schema_name || '.' || deed.object_name, null, null, null,
         format('Action %s (%s) failed at %s after %s attempts: %s', deed.id, deed.description, deed.finished_at, deed.attempts,
                coalesce(deed.error, 'no message')),
         jsonb_build_object('action', deed.id, 'attempts', deed.attempts, 'error', deed.error),
         format('select * from wedding_dbopt.get_actions(%s, ''failed'')', coalesce(deed.run_id::text, 'null'))
  from (select distinct on (action.schema_name, action.object_name) action.* from _wedding_dbopt.action
        where action.state = 'failed' and action.finished_at > check_collection.at - interval '7 days' and action.finished_at <= check_collection.at
        order by action.schema_name, action.object_name, action.finished_at desc) as deed;
end $$;
comment on function _wedding_dbopt.check_collection(timestamptz) is
  'Findings about this extension: is it collecting, what did it miss, is there disk left, what of its own failed.';
