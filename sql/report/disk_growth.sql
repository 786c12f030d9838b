create or replace function _wedding_dbopt.disk_growth(at timestamptz)
returns table (bytes_per_day numeric, days integer, free bigint, total bigint)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with size as (
    select r.at, (select sum(b) from unnest(r.bytes) as b) as bytes
    from _wedding_dbopt.relation_size r
    where r.at > disk_growth.at - interval '28 days' and r.at <= disk_growth.at
  ), disk as (
    select m.disk_free, m.disk_total from _wedding_dbopt.system_sample m
    where m.at <= disk_growth.at and m.at > disk_growth.at - interval '1 day' and m.disk_free is not null
    order by m.at desc limit 1
  )
  select case when count(*) >= 3 then greatest(0, regr_slope(size.bytes::float8, extract(epoch from size.at)::float8 / 86400))::numeric end,
         count(*)::integer, (select disk.disk_free from disk), (select disk.disk_total from disk)
  from size
$$;
comment on function _wedding_dbopt.disk_growth(timestamptz) is
  'Bytes by which tables and indexes grow a day (the line through the days of the last four weeks, three at least), and the room on the disk.';
