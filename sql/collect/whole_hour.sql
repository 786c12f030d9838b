-- Roll-ups of days are sums of whole hours, of which none may belong to two days: where local midnight lies inside one, the day
-- begins with the next.
create or replace function _wedding_dbopt.whole_hour(moment timestamptz) returns timestamptz
language sql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp as $$
  select date_bin('1 hour', whole_hour.moment + interval '1 hour' - interval '1 microsecond', '2001-01-01Z')
$$;
comment on function _wedding_dbopt.whole_hour(timestamptz) is 'The first full hour that is not before a moment.';
