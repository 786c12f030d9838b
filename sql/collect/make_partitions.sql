-- A partition is built aside and attached, which does not stop readers and writers of the parent as CREATE ... PARTITION
-- OF would. Rows that arrived while a day had no partition are moved out of the default one. A reader in a long transaction
-- keeps its table from that, not the others; meanwhile the default partition takes the rows, and the next run moves them.
-- One table a call, because locks last until its transaction ends.
-- What few servers have (replicas, other extensions, waits for locks) gets partitions once its first row has come.
create or replace function _wedding_dbopt.make_partitions(at timestamptz) returns boolean
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'  -- a day is as long as that of the session's zone, which may have 23 or 25 hours
set lock_timeout = '100ms' as $$
declare
  today  constant timestamptz := date_trunc('day', make_partitions.at, 'UTC');
  held   text[] := array[]::text[];
  parent text;
  child  text;
  day    timestamptz;
  used   boolean;
begin
  foreach parent in array _wedding_dbopt.partitioned_tables() loop
    execute format('select exists (select from _wedding_dbopt.%I)', parent) into used;
    for day in execute format(
      $sql$select generate_series($1, $1 + interval '2 days', interval '1 day')
           union select date_trunc('day', s.at, 'UTC') from _wedding_dbopt.%I s$sql$, parent || '_default') using today
    loop
      child := parent || to_char(day at time zone 'UTC', '_YYYYMMDD');
      continue when to_regclass(format('_wedding_dbopt.%I', child)) is not null;
      continue when parent in ('lock_sample', 'replica_sample', 'resource_sample', 'wait_profile_sample', 'filter_sample') and not used;
      if not _wedding_dbopt.lock_at_once(array[parent || '_default']) then
        held := held || parent;
        exit;
      end if;
      begin
        execute format('create table _wedding_dbopt.%I (like _wedding_dbopt.%I including all)', child, parent || '_default');
        execute format(
          $sql$with moved as (delete from _wedding_dbopt.%1$I s where s.at >= $1 and s.at < $2 returning *)
               insert into _wedding_dbopt.%2$I select * from moved$sql$, parent || '_default', child)
          using day, day + interval '1 day';
        execute format('alter table _wedding_dbopt.%I attach partition _wedding_dbopt.%I for values from (%L) to (%L)',
          parent, child, day, day + interval '1 day');
        return true;
      exception when lock_not_available then  -- an ANALYZE of the parent
        held := held || parent;
        exit;
      end;
    end loop;
  end loop;
  foreach parent in array held loop
    perform _wedding_dbopt.note_waiting('make_partitions', parent, make_partitions.at);
  end loop;
  return false;
end $$;
comment on function _wedding_dbopt.make_partitions(timestamptz) is
  'Makes one day partition (UTC) of the raw samples: for today, two days ahead, or a day whose rows lie in the default partition. Answers whether there was one to make.';
