create or replace function _wedding_dbopt.drop_partitions(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s' as $$
declare
  keep_from constant timestamptz :=
    date_trunc('day', drop_partitions.at - _wedding_dbopt.setting_value('raw_retention')::interval, 'UTC');
  parent text;
  child  text;
begin
  foreach parent in array _wedding_dbopt.partitioned_tables() loop
    begin
      for child in
        select c.relname
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = to_regclass(format('_wedding_dbopt.%I', parent))
          and c.relname ~ '_\d{8}$' and to_date(right(c.relname, 8), 'YYYYMMDD') < (keep_from at time zone 'UTC')::date
        order by c.relname
      loop
        execute format('drop table _wedding_dbopt.%I', child);
      end loop;
      execute format('delete from _wedding_dbopt.%I s where s.at < $1', parent || '_default') using keep_from;
    exception when lock_not_available then
      perform _wedding_dbopt.note_waiting('drop_partitions', parent, drop_partitions.at);
    end;
  end loop;
end $$;
comment on function _wedding_dbopt.drop_partitions(timestamptz) is
  'Drops the partitions of raw samples whose whole day is older than the setting raw_retention.';
