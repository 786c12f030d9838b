-- One table a call, because locks last until its transaction ends: readers wait for the drop of one table, a few
-- milliseconds, and nobody waits while the next one is held by a reader in a long transaction.
create or replace function _wedding_dbopt.drop_partitions(at timestamptz) returns boolean
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms' as $$
declare
  keep_from constant timestamptz :=
    date_trunc('day', drop_partitions.at - _wedding_dbopt.setting_value('raw_retention')::interval, 'UTC');
  held   text[] := array[]::text[];
  parent text;
  child  text;
begin
  foreach parent in array _wedding_dbopt.partitioned_tables() loop
    for child in
      select c.relname
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = to_regclass(format('_wedding_dbopt.%I', parent))
        and c.relname ~ '_\d{8}$' and to_date(right(c.relname, 8), 'YYYYMMDD') < (keep_from at time zone 'UTC')::date
      order by c.relname
    loop
      if not _wedding_dbopt.lock_at_once(array[parent, child]) then
        held := held || parent;
        exit;
      end if;
      execute format('drop table _wedding_dbopt.%I', child);
      return true;
    end loop;
  end loop;
  foreach parent in array _wedding_dbopt.partitioned_tables() loop
    execute format('delete from _wedding_dbopt.%I s where s.at < $1', parent || '_default') using keep_from;
  end loop;
  foreach parent in array held loop
    perform _wedding_dbopt.note_waiting('drop_partitions', parent, drop_partitions.at);
  end loop;
  return false;
end $$;
comment on function _wedding_dbopt.drop_partitions(timestamptz) is
  'Drops one partition of raw samples whose whole day is older than the setting raw_retention, the oldest of its table. Answers whether there was one to drop.';
