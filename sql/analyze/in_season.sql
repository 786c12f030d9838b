-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.in_season(day date, first_day text, last_day text) returns boolean
language sql stable parallel safe security invoker
begin atomic
  select case when in_season.first_day <= in_season.last_day
              then to_char(in_season.day, 'MM-DD') between in_season.first_day and in_season.last_day
              else to_char(in_season.day, 'MM-DD') >= in_season.first_day or to_char(in_season.day, 'MM-DD') <= in_season.last_day end;
end;
comment on function _wedding_dbopt.in_season(date, text, text) is
  'Whether a day lies between two month-days, both inclusive, over the new year if the last is before the first.';
