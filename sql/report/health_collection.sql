create or replace function _wedding_dbopt.health_collection(at timestamptz)
returns table(severity text, check_name text, object text, finding text, remedy text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with pass as (
    select max(log.at) as at, health_collection.at - max(log.at) as age
    from _wedding_dbopt.collect_log as log
    where log.source = 'pass' and log.reason is null and log.at <= health_collection.at
  ), gap as (
    select count(*) as gaps, max(missed.gap) as longest, sum(missed.missed) as passes
    from _wedding_dbopt.gaps(health_collection.at - interval '24 hours', (select pass.at from pass)) as missed
  ), latest as (
    select sample.dealloc, sample.entries from _wedding_dbopt.statement_sample as sample
    where sample.at <= health_collection.at order by sample.at desc limit 1
  ), evicted as (
    select latest.dealloc - sample.dealloc as entries
    from latest, lateral (
      select sample.dealloc from _wedding_dbopt.statement_sample as sample
      where sample.at > health_collection.at - interval '24 hours' and sample.at <= health_collection.at
      order by sample.at limit 1) as sample
  )
  select 'critical', 'collection', null, 'No metrics have been collected yet.', 'select wedding_dbopt.schedule_jobs()'
  from pass where pass.at is null
  union all
  select case when pass.age > interval '15 minutes' then 'critical' else 'warning' end, 'collection', null,
         format('The last collection pass was %s minutes ago.', round(extract(epoch from pass.age) / 60, 1)),
         'call wedding_dbopt.collect(); select wedding_dbopt.schedule_jobs()'
  from pass where pass.age > interval '3 minutes'
  union all
  select 'info', 'collection_gaps', null,
         format('%s gaps without a collection pass in the last 24 hours: %s passes are missing, the longest gap was %s minutes.', gap.gaps,
                gap.passes, round(extract(epoch from gap.longest) / 60, 1)),
         'select * from wedding_dbopt.get_collection_stats()'
  from gap where gap.gaps > 0
  union all
  select 'warning', 'collection_source', refused.source,
         format('The source %s gave nothing in the last pass: %s', refused.source, refused.reason), null
  from (select log.source, log.reason
        from pass join _wedding_dbopt.collect_log as log on log.at = pass.at
        where log.reason is not null) as refused
  union all
  select 'warning', 'own_cost', null,
         format('Collection took %s ms a minute in the last hour, %s %% of the time of all statements.',
                round(own.collector_ms / 60), round(own.share_percent, 2)),
         'select * from wedding_dbopt.get_collection_stats(''1 hour'')'
  from _wedding_dbopt.own_cost(health_collection.at - interval '1 hour', health_collection.at) as own
  where own.share_percent > 1 and own.collector_ms > 36000
  union all
  select 'warning', 'pg_stat_statements_evictions', 'pg_stat_statements',
         format('pg_stat_statements threw entries out %s times in the last 24 hours: calls of rare statements are lost.', evicted.entries),
         format('alter system set pg_stat_statements.max = %s; -- needs a restart',
                2 * coalesce(current_setting('pg_stat_statements.max', true)::integer, 5000))
  from evicted where evicted.entries > 0
  union all
  select 'info', 'pg_stat_statements_full', 'pg_stat_statements',
         format('pg_stat_statements holds %s of %s statements.', latest.entries, current_setting('pg_stat_statements.max', true)),
         format('alter system set pg_stat_statements.max = %s; -- needs a restart',
                2 * current_setting('pg_stat_statements.max', true)::integer)
  from latest
  where latest.entries > 0.9 * current_setting('pg_stat_statements.max', true)::integer
$$;
comment on function _wedding_dbopt.health_collection(timestamptz) is
  'Findings of health() on our own collection: is it running, what did it miss.';
