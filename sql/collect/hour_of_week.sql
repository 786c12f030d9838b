-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.hour_of_week(at timestamptz, time_zone text) returns integer
language sql stable parallel safe security invoker
begin atomic
  select (extract(isodow from hour_of_week.at at time zone hour_of_week.time_zone)::integer - 1) * 24
    + extract(hour from hour_of_week.at at time zone hour_of_week.time_zone)::integer;
end;
comment on function _wedding_dbopt.hour_of_week(timestamptz, text) is 'The hour of the local week, 0 = Monday 0 o''clock.';
