create or replace function _wedding_dbopt.disks_beside(at timestamptz)
returns table (name text, total bigint, free bigint)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select disk.name, disk.total, disk.free
  from (select sample.other_disks from _wedding_dbopt.system_sample as sample
        where sample.at <= disks_beside.at and sample.at > disks_beside.at - interval '1 hour' and sample.other_disks is not null
        order by sample.at desc limit 1) as latest
  cross join lateral jsonb_to_recordset(latest.other_disks) as disk (name text, total bigint, free bigint)
$$;
comment on function _wedding_dbopt.disks_beside(timestamptz) is
  'The disks of WAL and tablespaces beside that of the data when they were last looked at, within an hour, in bytes.';
