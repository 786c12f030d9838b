-- What is stored under a time that no calendar reaches would be the newest for ever.
create or replace function _wedding_dbopt.require_time(at timestamptz) returns void
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select _wedding_dbopt.require(require_time.at >= '1970-01-01Z' and require_time.at < '2200-01-01Z',
    'at must be a time that comes', 'A time between the years 1970 and 2200, for example now().')
$$;
comment on function _wedding_dbopt.require_time(timestamptz) is 'Refuses (SQLSTATE 22023) a time before 1970, from 2200 on, infinite or null.';
