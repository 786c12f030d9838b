create or replace function _wedding_dbopt.report_summary(since timestamptz, until timestamptz, sums jsonb) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with total as (
    select (sums #>> '{all,calls}')::numeric as calls, (sums #>> '{all,mean_ms}')::numeric as mean_ms,
           (sums #>> '{all,cache_hit_percent}')::numeric as cache_hit_percent
  ), goal as (
    -- The rule of the finding objective_missed, which asks it of the last hour.
    select count(*) filter (where summed.mean_ms <= objective.latency_ms and coalesce(summed.within >= objective.success_target, true)) as met, count(summed.mean_ms) as judged
    from _wedding_dbopt.objective,
         lateral (select (sums -> objective.context ->> 'mean_ms')::numeric as mean_ms, (sums -> objective.context ->> 'within')::numeric as within) as summed
  ), deed as (
    select count(*) filter (where action.state = 'kept') as kept, count(*) filter (where action.state = 'verifying') as judging,
           count(*) filter (where action.state = 'rolled_back') as undone, count(*) filter (where action.state = 'failed') as failed
    from _wedding_dbopt.action where action.applied_at between since and until or action.finished_at between since and until
  ), season as materialized (
    select wedding_dbopt.get_season(until) as now
  ), tile(place, label, figure, note) as (
    select 1, 'Calls', _wedding_dbopt.html_number(total.calls), format('%s per minute on average',
           _wedding_dbopt.html_number(total.calls / nullif(extract(epoch from until - greatest(since, history.since)) / 60, 0)))
    from total, (select min(first_seen) as since from _wedding_dbopt.statement where first_seen < until) as history
    union all
    select 2, 'Mean time', _wedding_dbopt.html_number(total.mean_ms) || ' ms', format('%s %% of blocks from cache',
           _wedding_dbopt.html_number(total.cache_hit_percent))
    from total
    union all
    select 3, 'Objectives met', case when goal.judged = 0 then '&ndash;' else goal.met || ' of ' || goal.judged end, 'contexts by average and by share of calls, over the whole window' from goal
    union all
    select 4, 'Changes kept', deed.kept::text, format('%s being judged, %s rolled back, %s failed', deed.judging, deed.undone, deed.failed) from deed
    union all
    select 5, 'Season', case when season.now ->> 'is_wedding_season' = 'true' then 'wedding'
                             when season.now ->> 'is_proposal_season' = 'true' then 'proposal' else 'off season' end,
           format('load multiplier %s (%s)', _wedding_dbopt.html_escape(season.now ->> 'season_multiplier'),
                  _wedding_dbopt.html_escape(season.now ->> 'multiplier_basis')) from season
  )
  select format('<div class="tiles">%s</div>', string_agg(format(
    '<div class="tile"><span class="muted">%s</span><strong>%s</strong><span class="muted">%s</span></div>', tile.label, tile.figure, tile.note), '' order by tile.place))
  from tile
$$;
comment on function _wedding_dbopt.report_summary(timestamptz, timestamptz, jsonb) is 'Part of the report: five figures on top.';
