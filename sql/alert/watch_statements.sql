create or replace function _wedding_dbopt.watch_statements(at timestamptz) returns setof _wedding_dbopt.alert_signal
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
begin
  return query
  select x.kind, x.object, x.context, x.severity, x.value::float8, x.threshold::numeric, x.message, x.evidence from (
  with pass as materialized (
    select s.*, greatest(extract(epoch from s.at - s.previous_at) / 60, 0.01)::float8 as minutes,
      (select sum(e.us) from unnest(s.exec_us) as e (us)) / 1000.0::float8 as all_ms
    from _wedding_dbopt.statement_sample s
    where s.at > watch_statements.at - interval '2 minutes' and s.at <= watch_statements.at and s.previous_at is not null
    order by s.at desc limit 1
  ), ran as materialized (
    select u.id, u.calls::float8 as calls, u.exec_us / 1000.0::float8 as exec_ms, u.exec_sq::float8 as exec_sq,
      (coalesce(u.hit, 0) + coalesce(u.read, 0))::float8 as blocks, u.all_ms, u.minutes
    from (select unnest(p.ids) as id, unnest(p.calls) as calls, unnest(p.exec_us) as exec_us, unnest(p.exec_sq) as exec_sq,
            unnest(p.hit) as hit, unnest(p.read) as read, p.all_ms, p.minutes
          from pass p) u
  ), known as materialized (
    select r.*, u.mean_ms, u.mean_spread, u.call_spread, u.blocks as usual_blocks, u.blocks_spread, u.hours
    from ran r join _wedding_dbopt.statement_usual u on u.statement_id = r.id
    where r.calls >= 3
  ), pace as materialized (  -- what makes most statements slower is not this one's fault
    select greatest(percentile_cont(0.5) within group (order by k.exec_ms / k.calls / k.mean_ms), 1) as common from known k
  ), slower as (
    select k.id, k.calls, k.all_ms, k.mean_ms as usual_ms, pace.common * k.mean_ms as paced_ms, k.exec_ms / k.calls as mean, k.usual_blocks, k.blocks / k.calls as blocks,
      k.exec_ms - k.calls * pace.common * k.mean_ms as excess_ms, k.exec_ms / k.calls / (pace.common * k.mean_ms) as time_ratio,
      k.mean_spread, k.call_spread, k.blocks_spread, k.hours, greatest(k.exec_sq / k.calls - (k.exec_ms / k.calls) ^ 2, 0) as variance
    from known k cross join pace
    where k.exec_ms > 1.3 * k.calls * pace.common * k.mean_ms and k.exec_ms - k.calls * pace.common * k.mean_ms > 250 * k.minutes
  ), judged as (
    select s.*, t.queryid, coalesce(t.context, 'other') as context, t.criticality, o.latency_ms, q.kind, q.warning, q.critical,
      case when s.time_ratio >= 0.8 * coalesce(q.warning, q.critical) then s.time_ratio
           when s.blocks >= 50 and s.blocks > 5 * s.usual_blocks + 3 * s.blocks_spread then coalesce(q.warning, q.critical) end as value
    from slower s
    join _wedding_dbopt.statement t on t.id = s.id and not t.own and t.dbid = (select d.oid from pg_database d where d.datname = current_database())
    join _wedding_dbopt.alert_rule q on q.kind = 'statement_regression' and q.enabled
    left join _wedding_dbopt.objective o on o.context = t.context
    where s.hours >= 2 and (t.criticality in ('critical', 'high') or s.excess_ms > 0.1 * s.all_ms)
  ), dealloc as (
    select (select s.dealloc - b.dealloc from pass s, lateral (
              select b.dealloc, b.stats_reset from _wedding_dbopt.statement_sample b
              where b.at > watch_statements.at - interval '10 minutes' and b.at < s.at order by b.at desc limit 1) b
            where b.stats_reset is not distinct from s.stats_reset) as now,
      (select s.dealloc - b.dealloc from pass s, lateral (
              select b.dealloc, b.stats_reset from _wedding_dbopt.statement_sample b
              where b.at >= watch_statements.at - interval '1 hour' and b.at < s.at order by b.at limit 1) b
            where b.stats_reset is not distinct from s.stats_reset) as hour,
      (select p.entries from pass p) as entries, nullif(current_setting('pg_stat_statements.max', true), '')::integer as room
  )
  select j.kind, j.queryid::text, j.context,
    case when j.value >= j.critical and not (coalesce(j.criticality, '') = 'critical' and j.mean > j.latency_ms) then 'warning'
         else _wedding_dbopt.alert_grade(j.value, j.warning, j.critical) end,
    j.value, case when j.value >= j.critical then j.critical else coalesce(j.warning, j.critical) end,
    format('Statement %s (%s) takes %s ms per call over %s calls, usually %s ms%s.', j.queryid, j.context, round(j.mean::numeric, 2), j.calls, round(j.usual_ms::numeric, 2),
      case when j.blocks > 2 * j.usual_blocks + 1 then format('; it reads %s blocks per call instead of %s', round(j.blocks::numeric), round(j.usual_blocks::numeric)) else '' end),
    jsonb_build_object('statement_id', j.id)
  from judged j
  -- Of few calls Welch's test can say little, but how many were certainly slow (Cantelli's inequality) can be said.
  where j.value is not null
    and (j.time_ratio >= 4 and j.calls - floor(j.calls * j.variance / (j.variance + (j.mean - 2 * j.paced_ms) ^ 2)) >= greatest(3, 0.5 * j.calls)
      or j.calls >= 5 and _wedding_dbopt.welch_p_value(j.paced_ms, sqrt(j.mean_spread ^ 2 + (0.1 * j.paced_ms) ^ 2), j.hours + 2,
          j.mean, sqrt((0.1 * j.paced_ms) ^ 2 + greatest(j.variance, j.call_spread ^ 2) / j.calls), j.calls) < 1e-4)
  union all
  select q.kind, t.queryid::text, coalesce(t.context, 'other'), _wedding_dbopt.alert_grade(100 * r.exec_ms / r.all_ms, q.warning, q.critical), 100 * r.exec_ms / r.all_ms,
    coalesce(q.warning, q.critical),
    format('Statement %s (%s), first seen at %s, takes %s %% of all time: %s calls of %s ms.', t.queryid, coalesce(t.context, 'not classified yet'),
      to_char(t.first_seen at time zone 'UTC', 'HH24:MI "UTC"'), round((100 * r.exec_ms / r.all_ms)::numeric, 1), r.calls, round((r.exec_ms / r.calls)::numeric, 1)),
    jsonb_build_object('statement_id', r.id)
  from ran r
  join _wedding_dbopt.alert_rule q on q.kind = 'new_statement' and q.enabled
  join _wedding_dbopt.statement t on t.id = r.id and not t.own and t.first_seen > watch_statements.at - interval '15 minutes'
    and t.dbid = (select d.oid from pg_database d where d.datname = current_database())
  where 100 * r.exec_ms >= 0.8 * coalesce(q.warning, q.critical) * r.all_ms and r.exec_ms > 2000 * r.minutes
    and exists (select from _wedding_dbopt.statement_usual)
  union all
  select q.kind, 'pg_stat_statements', null, _wedding_dbopt.alert_grade(d.hour, q.warning, q.critical), d.hour, coalesce(q.warning, q.critical),
    format('pg_stat_statements threw out entries %s times in the last hour, also just now: calls of rare statements are lost, and their history with them.', d.hour),
    jsonb_build_object('entries', d.entries, 'room', d.room)
  from dealloc d join _wedding_dbopt.alert_rule q on q.kind = 'evictions' and q.enabled
  where d.now > 0 and _wedding_dbopt.alert_grade(d.hour, q.warning, q.critical) is not null
  union all
  select q.kind, 'pg_stat_statements', null, _wedding_dbopt.alert_grade(100.0 * d.entries / d.room, q.warning, q.critical), 100.0 * d.entries / d.room, coalesce(q.warning, q.critical),
    format('pg_stat_statements holds %s of %s statements; when it is full, those that ran least are thrown out.', d.entries, d.room),
    jsonb_build_object('entries', d.entries, 'room', d.room)
  from dealloc d join _wedding_dbopt.alert_rule q on q.kind = 'statements_full' and q.enabled
  where _wedding_dbopt.alert_grade(100.0 * d.entries / d.room, q.warning, q.critical) is not null
  ) as x (kind, object, context, severity, value, threshold, message, evidence);
end $$;
comment on function _wedding_dbopt.watch_statements(timestamptz) is
  'Signals of single statements in the last pass: slower than in their own past, new and heavy; and of pg_stat_statements running out of room.';
