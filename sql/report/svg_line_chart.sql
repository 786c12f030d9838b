-- A page has nine charts: PL/pgSQL plans the statement once for all, and for the session.
create or replace function _wedding_dbopt.svg_line_chart(
  title text, unit text, series jsonb, since timestamptz, until timestamptz, time_zone text,
  step interval, reference numeric default null, markers timestamptz[] default '{}', width integer default 720) returns text
language plpgsql stable parallel safe security invoker set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return (
  with named as materialized (
    select line.place, _wedding_dbopt.html_escape(line.value ->> 'name') as name, _wedding_dbopt.html_escape(line.value ->> 'colour') as colour,
           _wedding_dbopt.html_escape(unit) as unit
    from jsonb_array_elements(series) with ordinality as line(value, place)
  ), point as materialized (
    select line.place, (dot.value ->> 0)::float8 as t, (dot.value ->> 1)::float8 as v
    from jsonb_array_elements(series) with ordinality as line(value, place)
    cross join jsonb_array_elements(line.value -> 'points') as dot(value)
    where dot.value ->> 1 is not null
  ), extent as (
    select extract(epoch from since)::float8 as t0, extract(epoch from until)::float8 as t1, extract(epoch from step)::float8 as dt,
           greatest((select max(point.v) from point),
                    case when reference <= 4 * (select max(point.v) from point) then reference end, 1e-6) * 1.05 as top
  ), scale as (
    -- The axis ends at a round figure, four to eight lines above zero.
    select extent.*, tick.size, ceil(extent.top / tick.size) * tick.size as y1, 54.0::float8 as x0, width - 14.0::float8 as x1, 12.0::float8 as y0, 186.0::float8 as base
    from extent, lateral (
      select unit_size * case when extent.top / unit_size > 4 then case when extent.top / unit_size > 8 then 2 else 1 end else 0.5 end as size
      from (select 10 ^ floor(log((extent.top / 1.6)::numeric))::float8 as unit_size) as decade) as tick
  ), placed as (
    select point.*, round(10 * (scale.x0 + (least(greatest(point.t, scale.t0), scale.t1) - scale.t0) / (scale.t1 - scale.t0) * (scale.x1 - scale.x0))) / 10 as x,
           round(10 * (scale.base - point.v / scale.y1 * (scale.base - scale.y0))) / 10 as y,
           point.t - lag(point.t) over (partition by point.place order by point.t) > 2 * scale.dt as after_gap
    from point, scale
  ), line as (
    select placed.place,
           string_agg(format(case when placed.after_gap is not false then 'M%s %sh0' else 'L%s %s' end,
             placed.x, placed.y), '' order by placed.t) as path,
           string_agg(format('<circle class="dot" cx="%s" cy="%s" r="5"><title>%s %s: %s %s</title></circle>',
             placed.x, placed.y, named.name,
             to_char(to_timestamp(placed.t) at time zone time_zone, 'DD Mon HH24:MI'),
             _wedding_dbopt.html_number(placed.v::numeric), named.unit), '' order by placed.t) as dots
    from placed join named using (place) group by placed.place
  ), axis as (
    select string_agg(format('<line class="grid" x1="%s" x2="%s" y1="%3$s" y2="%3$s"/><text class="tick" x="%4$s" y="%5$s" text-anchor="end">%6$s</text>',
             scale.x0, scale.x1, round(y.place::numeric, 1), scale.x0 - 6, round(y.place::numeric + 4, 1),
             _wedding_dbopt.html_number((number * scale.size)::numeric)), '' order by number) as lines
    from scale, generate_series(0, round(scale.y1 / scale.size)::integer) as number,
         lateral (select scale.base - number * scale.size / scale.y1 * (scale.base - scale.y0)) as y(place)
  ), clock as (
    select string_agg(format('<text class="tick" x="%s" y="204" text-anchor="middle">%s</text>',
             round((scale.x0 + (extract(epoch from mark.at at time zone time_zone)::float8 - scale.t0)
                    / (scale.t1 - scale.t0) * (scale.x1 - scale.x0))::numeric, 1),
             to_char(mark.at, case when every.size < interval '1 day' and mark.at::time <> '00:00' then 'HH24:MI' else 'DD Mon' end)),
             '' order by mark.at) as labels
    from scale,
         lateral (select size from unnest('{5 min,10 min,15 min,30 min,1 hour,2 hours,3 hours,6 hours,12 hours,1 day,2 days,7 days,14 days,30 days,90 days}'::interval[]) as size
                  order by until - since > size * (width / 90), size limit 1) as every,
         lateral generate_series(date_bin(every.size, since at time zone time_zone, '2001-01-01') + every.size,
                                 until at time zone time_zone, every.size) as mark(at)
  ), extra as (
    select case when reference <= scale.y1 then format(
             '<line class="objective" x1="%s" x2="%s" y1="%3$s" y2="%3$s"/>', scale.x0, scale.x1,
             round((scale.base - reference / scale.y1 * (scale.base - scale.y0))::numeric, 1)) end as objective,
           (select string_agg(format('<line class="mark" x1="%1$s" x2="%1$s" y1="%2$s" y2="%3$s"><title>change applied %4$s</title></line>',
              round((scale.x0 + (extract(epoch from marker)::float8 - scale.t0) / (scale.t1 - scale.t0) * (scale.x1 - scale.x0))::numeric, 1),
              scale.y0, scale.base, to_char(marker at time zone time_zone, 'DD Mon HH24:MI')), '')
            from unnest(markers) as marker where marker between since and until) as marks
    from scale
  )
  select format('<figure><figcaption><b>%s</b> <span class="muted">%s%s</span></figcaption>%s%s</figure>',
    _wedding_dbopt.html_escape(title), _wedding_dbopt.html_escape(unit),
    case when reference is not null then format(', objective %s (dashed%s)', _wedding_dbopt.html_number(reference),
      case when reference > scale.y1 then ', above the chart' end) end,
    case when jsonb_array_length(series) > 1 then (
      select format('<ul class="legend">%s</ul>', string_agg(format('<li><i class="%s"></i>%s</li>',
        _wedding_dbopt.html_escape(entry ->> 'colour'), _wedding_dbopt.html_escape(entry ->> 'name')), '' order by place))
      from jsonb_array_elements(series) with ordinality as legend(entry, place)) end,
    case when not exists (select from point) then '<p class="empty">No data in this window.</p>'
    else format('<div class="scroll"><svg viewBox="0 0 %s 212" style="min-width:%spx" role="img" aria-label="%s">%s%s%s%s%s</svg></div>',
      width, width * 2 / 3, _wedding_dbopt.html_escape(title),
      axis.lines, clock.labels, extra.marks, extra.objective,
      (select string_agg(format('<g class="%s"><path d="%s"/>%s</g>', named.colour, line.path, line.dots), '' order by line.place)
       from line join named using (place))) end)
  from scale, axis, clock, extra);
end $$;
comment on function _wedding_dbopt.svg_line_chart(text, text, jsonb, timestamptz, timestamptz, text, interval, numeric, timestamptz[], integer) is
  'A line chart as an HTML figure with inline SVG. series: [{name, colour (a class), points: [[epoch, value], ...]}]; a line breaks where more than two steps have no point; reference is a dashed objective, markers are times of changes.';
