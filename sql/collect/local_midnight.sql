-- By dates: where clocks change a day is longer or shorter, and where they change at midnight it may begin at one.
-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.local_midnight(moment timestamptz, days integer, time_zone text) returns timestamptz
language sql stable parallel safe security invoker
begin atomic
  select ((local_midnight.moment at time zone local_midnight.time_zone)::date + local_midnight.days)::timestamp
         at time zone local_midnight.time_zone;
end;
comment on function _wedding_dbopt.local_midnight(timestamptz, integer, text) is
  'When the local day begins that is so many days after that of a moment.';
