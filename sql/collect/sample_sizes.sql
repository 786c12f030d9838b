-- pg_relation_size() opens the relation and gives its lock back at once. Where that would have to wait, it is left out.
create or replace function _wedding_dbopt.sample_sizes(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '10ms' as $$
declare
  relation record;
  relids   oid[] := array[]::oid[];
  sizes    bigint[] := array[]::bigint[];
  size     bigint;
  locked   integer := 0;
begin
  for relation in
    select c.oid, c.relkind
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'i') and c.relpersistence <> 't'
      and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    order by c.oid
  loop
    begin
      size := case when relation.relkind = 'i' then pg_relation_size(relation.oid) else pg_table_size(relation.oid) end;
      continue when size is null;  -- dropped meanwhile
    exception when lock_not_available then
      size := null;
      locked := locked + 1;
    end;
    relids := relids || relation.oid;
    sizes := sizes || size;
  end loop;
  insert into _wedding_dbopt.relation_size (day, at, relids, bytes)
  values ((sample_sizes.at at time zone 'UTC')::date, sample_sizes.at, relids, sizes)
  on conflict (day) do update set at = excluded.at, relids = excluded.relids, bytes = excluded.bytes;
  delete from _wedding_dbopt.relation_size s
  where s.day < ((sample_sizes.at - _wedding_dbopt.setting_value('daily_retention')::interval) at time zone 'UTC')::date;
  if locked > 0 then
    insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason)
    values (sample_sizes.at, 'sizes', '55P03', format('%s relations were locked', locked));
  end if;
end $$;
comment on function _wedding_dbopt.sample_sizes(timestamptz) is
  'Stores the real sizes of tables and indexes as those of the day; waits for no lock longer than 10 ms.';
