-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it.
create or replace function _wedding_dbopt.local_hour(hour timestamptz, time_zone text) returns integer
language sql stable parallel safe security invoker
begin atomic
  select floor(extract(epoch from local_hour.hour at time zone local_hour.time_zone) / 3600)::integer;
end;
comment on function _wedding_dbopt.local_hour(timestamptz, text) is 'Hours since 1970-01-01 00:00 of the local clock.';
