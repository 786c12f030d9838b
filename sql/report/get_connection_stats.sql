create or replace function wedding_dbopt.get_connection_stats(at timestamptz default now())
returns table(active integer, idle integer, max integer, waiting integer, avg_duration numeric,
              idle_in_transaction integer, total integer, usable integer, connection_utilization numeric,
              wedding_season_capacity numeric, active_connections integer, idle_connections integer,
              max_connections integer, waiting_connections integer, avg_connection_duration numeric, sampled_at timestamptz,
              peak_active integer, peak_idle_in_transaction integer, peak_waiting integer, peak_total integer,
              max_connection_duration numeric, max_query_duration numeric, max_transaction_duration numeric,
              by_role jsonb, by_application jsonb)
language sql stable parallel restricted security invoker set search_path = pg_catalog, pg_temp as $$
  -- Sessions of other roles hide everything but their number from a role without pg_read_all_stats: then, and for a
  -- time that is over, the last stored sample answers.
  with session as (
    select state, wait_event_type, backend_start, backend_type is null as hidden
    from pg_stat_activity
    where (backend_type = 'client backend' or (backend_type is null and datid is not null and usesysid is not null))
      and (pid, coalesce(backend_start, '-infinity')) not in (select c.pid, c.backend_start from _wedding_dbopt.collecting_sessions() c)
  ), live as (
    -- Where all hide what they do (track_activities is off) nothing is known, which is not the same as zero.
    select case when c.told then c.active end as active, case when c.told then c.idle end as idle,
           case when c.told then c.waiting end as waiting, c.age_ms,
           case when c.told then c.idle_in_transaction end as idle_in_transaction, c.total,
           current_setting('max_connections')::integer as max,
           current_setting('superuser_reserved_connections')::integer
             + coalesce(current_setting('reserved_connections', true)::integer, 0) as reserved,
           now() as at,
           get_connection_stats.at >= now() - interval '1 minute' and not c.hidden as answers
    from (
      select bool_or(state is distinct from 'disabled') as told, bool_or(hidden) as hidden,
        count(*) filter (where state in ('active', 'fastpath function call'))::integer as active,
        count(*) filter (where state = 'idle')::integer as idle,
        count(*) filter (where state = 'active' and wait_event_type = 'Lock')::integer as waiting,
        count(*) filter (where state like 'idle in transaction%')::integer as idle_in_transaction,
        count(*)::integer as total,
        (avg(extract(epoch from clock_timestamp() - backend_start)) * 1000)::numeric as age_ms
      from session) c
  ), stored as (
    select sample.active, sample.idle, sample.waiting, sample.avg_age_s * 1000 as age_ms, sample.idle_in_transaction, sample.total,
           sample.max_connections as max, sample.reserved, sample.at
    from _wedding_dbopt.connection_sample as sample
    where sample.at <= get_connection_stats.at and sample.at > get_connection_stats.at - interval '15 minutes'
    order by sample.at desc
    limit 1
  ), chosen as (
    select live.active, live.idle, live.waiting, live.age_ms, live.idle_in_transaction, live.total, live.max, live.reserved, live.at
    from live where live.answers
    union all
    select stored.* from live left join stored on true where not live.answers
  ), peak as (
    select max(sample.active_max) as active, max(sample.idle_in_transaction_max) as idle_in_transaction,
           max(sample.waiting_max) as waiting, max(sample.total_max) as total, max(sample.max_connection_s) * 1000 as connection_ms,
           max(sample.max_query_s) * 1000 as query_ms, max(sample.max_transaction_s) * 1000 as transaction_ms
    from _wedding_dbopt.connection_sample as sample
    where sample.at <= get_connection_stats.at and sample.at > get_connection_stats.at - interval '15 minutes'
  ), detail as (
    select sample.by_role, sample.by_application
    from _wedding_dbopt.connection_sample as sample
    where sample.at <= get_connection_stats.at and sample.at > get_connection_stats.at - interval '15 minutes'
    order by sample.at desc
    limit 1
  ), season as (
    select _wedding_dbopt.season_factor(get_connection_stats.at) as factor
  )
  select chosen.active, chosen.idle, chosen.max, chosen.waiting, round(chosen.age_ms, 3), chosen.idle_in_transaction, chosen.total,
         chosen.max - chosen.reserved,
         round(100.0 * chosen.total / nullif(chosen.max - chosen.reserved, 0), 2),
         round(chosen.max - chosen.reserved - chosen.total * season.factor, 1),
         chosen.active, chosen.idle, chosen.max, chosen.waiting, round(chosen.age_ms, 3), chosen.at,
         peak.active, peak.idle_in_transaction, peak.waiting, peak.total,
         round(peak.connection_ms, 3), round(peak.query_ms, 3), round(peak.transaction_ms, 3),
         detail.by_role, detail.by_application
  from chosen cross join season cross join peak left join detail on true
$$;
comment on function wedding_dbopt.get_connection_stats(timestamptz) is
  'Client connections by state, live, or from the last stored sample for a time that is over. Durations in milliseconds; usable is max less the connections kept for superusers; connection_utilization is the share of usable in use, in percent; wedding_season_capacity is what is left of usable when today''s use is multiplied up to the season (negative: so many are missing). The peak_ and max_ columns are the greatest of the samples of the last 15 minutes, by_role and by_application those of the last minute (the eight busiest). The session that samples is not counted.';
