-- Asked in every tick, before any Python is loaded. Once an hour is enough for what moves by days, and whatever else
-- is to be seen is seen together, each five minutes.
create or replace function _wedding_dbopt.bounds_to_see() returns table (statement_id integer, pid integer)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select s.id, a.pid
  from pg_stat_activity a
  join _wedding_dbopt.statement s on s.queryid = a.query_id and s.dbid = a.datid
  where s.lower_bounds is not null and a.query !~ '\$\d'
    and not exists (select from _wedding_dbopt.bound_age b
                    where b.day = (clock_timestamp() at time zone 'UTC')::date and b.statement_id = s.id
                      and b.seen_at > clock_timestamp() - interval '1 hour')
    and not exists (select from _wedding_dbopt.bound_age b
                    where b.day = (clock_timestamp() at time zone 'UTC')::date and b.seen_at > clock_timestamp() - interval '5 minutes')
$$;
comment on function _wedding_dbopt.bounds_to_see() is
  'Sessions that show the constants of a statement whose earliest date was not looked at within the hour.';
