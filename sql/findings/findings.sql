create or replace function wedding_dbopt.findings(
  min_severity text default null, include_muted boolean default false, at timestamptz default now())
returns table (key text, kind text, severity text, object text, title text, reason text, evidence jsonb, remedy text,
  auto boolean, action_type text, cost_share numeric, symptoms text[], first_seen timestamptz, muted boolean)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  severities constant text[] := array['info', 'warning', 'critical'];
  weights    constant jsonb := (select coalesce(jsonb_object_agg(weight.criticality, weight.weight), '{}') from _wedding_dbopt.criticality_weight as weight);
begin
  perform _wedding_dbopt.require(findings.min_severity is null or findings.min_severity = any (severities),
    'min_severity must be critical, warning or info', 'null shows all; warning shows what is critical too.');
  return query
  with workload as materialized (
    select used.statement_id, used.tables, used.exec_ms * coalesce((weights ->> used.criticality)::float8, 1) as ms
    from _wedding_dbopt.day_window(findings.at) as day
    cross join lateral _wedding_dbopt.workload_time(day.since, day.until) as used
  ), total as (
    select nullif(sum(workload.ms), 0) as ms from workload
  ), of_table as (
    select touched.name, sum(touched.ms) as ms from (select unnest(workload.tables) as name, workload.ms from workload) as touched group by touched.name
  ), found as (
    select item.*, known.title, known.auto, known.action_type,
           round((case when total.ms is null then null
                       when known.everywhere then 1
                       when item.statements is not null then (
                         select sum(workload.ms) from workload
                         where (workload.statement_id in (select unnest(item.statements))) is true  -- looked up in a hash; a join would be a loop of thousands by thousands
                       ) / total.ms
                       when item.relid is not null then coalesce(of_table.ms, 0) / total.ms end)::numeric, 4) as cost_share
    from _wedding_dbopt.known_findings(findings.at) as item
    join wedding_dbopt.finding_kinds() as known on known.kind = item.kind
    cross join total
    left join of_table on of_table.name = _wedding_dbopt.table_name(item.relid)
  )
  select found.key, found.kind, found.severity, found.object, found.title, found.reason, found.evidence, found.remedy,
         found.auto and found.remedy is not null, found.action_type, found.cost_share, found.symptoms, seen.first_seen, found.muted
  from found
  left join _wedding_dbopt.finding_seen as seen on seen.key = found.key
  where (findings.include_muted or not found.muted)
    and (findings.min_severity is null or array_position(severities, found.severity) >= array_position(severities, findings.min_severity))
  order by array_position(severities, found.severity) desc, found.cost_share desc nulls last, found.kind, found.object;
end $$;
comment on function wedding_dbopt.findings(text, boolean, timestamptz) is
  'What a DBA''s health check would find, one row per cause, worst and dearest first: kinds and titles are those of finding_kinds(). min_severity shows that severity and worse. cost_share is the share of the last day''s execution time, weighted by criticality, of the statements concerned (null = nothing known or no statement is slower for it). remedy holds complete statements, one after the other; null where SQL cannot mend it, and the reason says what does. auto: the remedy blocks nobody and loses nothing, so it may be carried out unattended. A finding is gone when it is mended.';
