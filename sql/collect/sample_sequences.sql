create or replace function _wedding_dbopt.sample_sequences(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '10ms' as $$
declare
  numbers record;
  relids  oid[] := array[]::oid[];
  shares  float8[] := array[]::float8[];
  value   numeric;
  locked  integer := 0;
begin
  for numbers in
    select s.seqrelid, s.seqincrement, s.seqmin::numeric as lowest, least(s.seqmax, fed.greatest) as highest
    from pg_sequence s
    join pg_class c on c.oid = s.seqrelid and c.relpersistence <> 't'
    left join lateral (
      select case a.atttypid when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647 end as greatest
      from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      where d.classid = 'pg_class'::regclass and d.objid = s.seqrelid and d.refclassid = 'pg_class'::regclass
        and d.deptype in ('a', 'i') and d.refobjsubid > 0
      limit 1) as fed on true
    where not s.seqcycle
    order by s.seqrelid
  loop
    begin
      value := _wedding_dbopt.sequence_value(numbers.seqrelid);
    exception when lock_not_available then
      locked := locked + 1;
      relids := relids || numbers.seqrelid;
      shares := shares || null::float8;
      continue;
    end;
    continue when not exists (select from pg_sequence s where s.seqrelid = numbers.seqrelid);  -- dropped meanwhile
    relids := relids || numbers.seqrelid;
    shares := shares || coalesce(case when numbers.seqincrement > 0
      then (value - numbers.lowest + 1) / (numbers.highest - numbers.lowest + 1)
      else (numbers.highest - value + 1) / (numbers.highest - numbers.lowest + 1) end, 0)::float8;
  end loop;
  insert into _wedding_dbopt.sequence_use (day, at, relids, used)
  values ((sample_sequences.at at time zone 'UTC')::date, sample_sequences.at, relids, shares)
  on conflict (day) do update set at = excluded.at, relids = excluded.relids, used = excluded.used;
  delete from _wedding_dbopt.sequence_use s
  where s.day < ((sample_sequences.at - _wedding_dbopt.setting_value('daily_retention')::interval) at time zone 'UTC')::date;
  if locked > 0 then
    insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason)
    values (sample_sequences.at, 'sequences', '55P03', format('%s sequences were locked', locked));
  end if;
end $$;
comment on function _wedding_dbopt.sample_sequences(timestamptz) is
  'Stores how much of its numbers each sequence has used; waits for no lock longer than 10 ms.';
