create or replace function _wedding_dbopt.report_readiness(until timestamptz, time_zone text) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with latest as (
    select r.* from _wedding_dbopt.readiness r where r.state = 'finished' and r.requested_at <= until order by r.id desc limit 1
  ), scenario as (
    select l.*, s.value as shown, s.place
    from latest l cross join lateral jsonb_array_elements(l.result -> 'scenarios') with ordinality as s(value, place)
  )
  select coalesce((select format('<section><h2>Readiness for the %s season</h2><p class="muted">As of %s, against the busiest minutes of the day before. %s</p>',
             _wedding_dbopt.html_escape(l.season), to_char(l.requested_at at time zone time_zone, 'DD Mon YYYY HH24:MI'),
             _wedding_dbopt.html_escape(coalesce((select 'In the season ' || (s.shown #>> '{breaks_first,what}') || ' breaks first, at '
               || (s.shown #>> '{breaks_first,at_factor}') || ' times that load: ' || (s.shown #>> '{breaks_first,reason}') || '.'
               from scenario s where s.shown ->> 'name' = 'season'), 'Nothing breaks.'))) from latest l)
    || _wedding_dbopt.html_table('{Load,#Multiple,#CPU %,Ready,Breaks first,#At multiple,#CPU % with recommendations,Ready then}',
      (select array_agg(format('<td>%s</td><td class="num">%s</td><td class="num">%s</td><td>%s</td><td>%s</td><td class="num">%s</td><td class="num">%s</td><td>%s</td>',
                _wedding_dbopt.html_escape(replace(s.shown ->> 'name', '_', ' ')), s.shown ->> 'factor', s.shown ->> 'utilisation_percent',
                case s.shown ->> 'ready' when 'true' then '<span class="tag good">yes</span>' else '<span class="tag critical">no</span>' end,
                _wedding_dbopt.html_escape(coalesce(replace(s.shown #>> '{breaks_first,what}', '_', ' '), 'nothing')), coalesce(s.shown #>> '{breaks_first,at_factor}', '&ndash;'),
                s.shown #>> '{with_recommendations,utilisation_percent}',
                case s.shown #>> '{with_recommendations,ready}' when 'true' then '<span class="tag good">yes</span>' else '<span class="tag critical">no</span>' end)
                order by s.place) from scenario s),
      'No load was measured.') || '</section>', '')
$$;
comment on function _wedding_dbopt.report_readiness(timestamptz, text) is
  'Part of the report: the latest readiness run, if there was one; what breaks first in the season, its surge and the coming weeks.';
