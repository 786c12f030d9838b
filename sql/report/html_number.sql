-- As stable as to_char(), and so the planner inlines it: a report has thousands of numbers.
create or replace function _wedding_dbopt.html_number(value numeric) returns text
language sql stable parallel safe security invoker
return case when value is null then '&ndash;'
              when abs(value) >= 1000 then to_char(round(value), 'FM999,999,999,999,999,990')
              else trim_scale(round(value, greatest(0, 2 - floor(log(greatest(abs(value), 0.001)::float8))::integer)))::text end;
comment on function _wedding_dbopt.html_number(numeric) is
  'A number for readers: three significant digits below a thousand, whole with separators above, a dash (as an entity) for null.';
