-- Burn rate = share of slow calls / share that the target allows; two windows, so that it has lasted and still goes on
-- (B. Beyer et al., The Site Reliability Workbook, 2018, chapter 5). The hour's window would need nine minutes to see a
-- full outage, so a breach is found in the pass itself, from calls that were slow for certain whatever the distribution:
-- one slow call can look like many to an estimate. A target of 90 % cannot burn faster than ten times, so half of all
-- calls slow is critical in any case; fewer than ten slow calls never are.
create or replace function _wedding_dbopt.watch_contexts(at timestamptz) returns setof _wedding_dbopt.alert_signal
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
begin
  return query
  select x.kind, x.object, x.context, x.severity, x.value::float8, x.threshold::numeric, x.message, x.evidence from (
  with load as materialized (
    select w.*, o.latency_ms, greatest(1 - o.success_target, 1e-6)::float8 as allowed
    from _wedding_dbopt.context_windows(watch_contexts.at) w join _wedding_dbopt.objective o using (context)
  ), breach as materialized (
    select distinct on (l.context) r.kind, l.context, r.critical, r.warning, l.span, l.calls, l.above_low, l.latency_ms, l.allowed,
      l.above_low / l.calls / l.allowed as burn,
      case when l.above_low >= 0.5 * l.calls and l.above_low >= 10 then 'critical'
           when l.above_low < 10 then replace(_wedding_dbopt.alert_grade(l.above_low / l.calls / l.allowed, r.warning, r.critical), 'critical', 'warning')
           else _wedding_dbopt.alert_grade(l.above_low / l.calls / l.allowed, r.warning, r.critical) end as severity
    from load l join _wedding_dbopt.alert_rule r on r.kind = 'objective_breach' and r.enabled
    where l.span in ('now', '5m') and l.above_low >= case when l.span = 'now' then 5 else 10 end
      and l.above_low / l.calls / l.allowed >= 0.8 * coalesce(r.warning, r.critical)
    order by l.context, least(l.above_low, 10) desc, l.above_low / l.calls desc
  ), burn as (
    select r.kind, s.context, r.warning, r.critical, s.span as short, g.span as long, s.latency_ms, g.above, g.calls,
      least(s.above / s.calls, g.above / g.calls) / s.allowed as burn
    from load s join load g using (context)
    join _wedding_dbopt.alert_rule r on (r.kind, s.span, g.span) in (('budget_burn_fast', '5m', '1h'), ('budget_burn', '30m', '6h'), ('budget_burn_slow', '6h', '3d')) and r.enabled
    where s.above_low >= 2 and g.above_low >= 10 and (g.span <> '3d' or g.minutes >= 1440)
  )
  select b.kind, b.context, b.context, b.severity, b.burn, case b.severity when 'critical' then coalesce(least(b.critical, 0.5 / b.allowed), b.warning) else coalesce(b.warning, b.critical) end::numeric,
    format('%s: at least %s of %s calls %s were slower than %s ms (%s %%; the objective allows %s %%).', b.context, b.above_low, b.calls,
      case b.span when 'now' then 'of the last pass' else 'of five minutes' end, b.latency_ms, round((100 * b.above_low / b.calls)::numeric, 1), round((100 * b.allowed)::numeric, 2)),
    jsonb_build_object('span', b.span, 'calls', b.calls, 'above_at_least', b.above_low)
  from breach b where b.severity is not null
  union all
  select u.kind, u.context, u.context, _wedding_dbopt.alert_grade(u.burn, u.warning, u.critical), u.burn, coalesce(u.critical, u.warning),
    format('%s: in the last %s about %s of %s calls were slower than %s ms, and it goes on (last %s): the error budget burns %s times as fast as the target allows.',
      u.context, u.long, round(u.above::numeric), u.calls, u.latency_ms, u.short, round(u.burn::numeric, 1)),
    jsonb_build_object('short', u.short, 'long', u.long, 'burn', round(u.burn::numeric, 2))
  from burn u
  where _wedding_dbopt.alert_grade(u.burn, u.warning, u.critical) is not null
    and not (u.kind <> 'budget_burn_slow' and exists (select from breach b where b.context = u.context))  -- one alert for one trouble
  union all
  select r.kind, g.context, nullif(g.context, 'all'), coalesce(nullif(_wedding_dbopt.alert_grade(g.factor, r.warning, r.critical), 'fading'), 'info'), g.factor, coalesce(r.warning, r.critical),
    format('%s: a surge since %s, up to %s times the usual %s calls a minute.', case g.context when 'all' then 'All contexts together' else g.context end,
      to_char(g.began_at at time zone 'UTC', 'HH24:MI "UTC"'), round(g.factor::numeric, 1), round(g.usual::numeric)),
    jsonb_build_object('factor', round(g.factor::numeric, 2), 'basis', g.basis)
  from _wedding_dbopt.surges_on(watch_contexts.at) g join _wedding_dbopt.alert_rule r on r.kind = 'surge' and r.enabled
  where g.context <> 'all' or not exists (select from _wedding_dbopt.surges_on(watch_contexts.at) o where o.context <> 'all')
  ) as x (kind, object, context, severity, value, threshold, message, evidence);
end $$;
comment on function _wedding_dbopt.watch_contexts(timestamptz) is
  'Signals of business contexts: calls that miss the objective now, and burn rates of the error budget over three pairs of windows, and surges that are on.';
