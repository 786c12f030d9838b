create or replace function _wedding_dbopt.report_objectives(until timestamptz, sums jsonb, time_zone text) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with applied as (
    select deed.run_id, min(coalesce(deed.started_at, deed.applied_at)) as begun, max(deed.applied_at) as done
    from _wedding_dbopt.action as deed
    where deed.applied_at <= until and deed.run_id is not null
    group by deed.run_id order by max(deed.applied_at) desc limit 1
  ), span as (
    select applied.*, least(until - applied.done, interval '24 hours') as length from applied where until > applied.done
  ), compared as (
    select before.context, before.objective_ms, before.calls as before_calls, before.average_ms as before_ms,
           after.calls as after_calls, after.average_ms as after_ms, after.met as after_met
    from span
    cross join lateral wedding_dbopt.get_objectives(span.length, span.begun) as before
    join lateral wedding_dbopt.get_objectives(span.length, span.done + span.length) as after on after.context = before.context
    union all
    select objective.context, objective.latency_ms, null, null, coalesce((whole.figures ->> 'calls')::bigint, 0),
           (whole.figures ->> 'mean_ms')::numeric, (whole.figures ->> 'mean_ms')::numeric <= objective.latency_ms
    from _wedding_dbopt.objective, lateral (select sums -> objective.context) as whole(figures)
    where not exists (select from span)
  )
  select format('<section><h2>Objectives</h2><p class="muted">%s</p>%s</section>',
    coalesce((select format('Tuning run %s: before is the time of %s h up to its first change (%s), after the same length from its last change (%s).',
                span.run_id, to_char(span.length, 'HH24:MI'),
                to_char(span.begun at time zone time_zone, 'DD Mon HH24:MI'), to_char(span.done at time zone time_zone, 'DD Mon HH24:MI'))
              from span), 'No change has been applied yet: the figures are those of the whole window.'),
    _wedding_dbopt.html_table('{Context,#Objective ms,#Calls before,#Mean ms before,#Calls after,#Mean ms after,#Change,Now}',
      (select array_agg(format('<td><i class="c-%s"></i>%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num"><b>%s</b></td><td class="num">%s</td><td>%s</td>',
                contexts.context, replace(contexts.context, '_', ' '), _wedding_dbopt.html_number(compared.objective_ms),
                _wedding_dbopt.html_number(compared.before_calls), _wedding_dbopt.html_number(compared.before_ms),
                _wedding_dbopt.html_number(compared.after_calls), _wedding_dbopt.html_number(compared.after_ms),
                coalesce(to_char(100 * (compared.after_ms / nullif(compared.before_ms, 0) - 1), 'FMSG999990.0') || ' %', '&ndash;'),
                case compared.after_met when true then '<span class="tag good">met</span>' when false then '<span class="tag critical">missed</span>'
                     else '<span class="tag">no calls</span>' end) order by contexts.place)
       from compared join _wedding_dbopt.contexts() on contexts.context = compared.context),
      'No objective is defined.'))
$$;
comment on function _wedding_dbopt.report_objectives(timestamptz, jsonb, text) is
  'Part of the report: each business context against its objective, before and after the last tuning run.';
