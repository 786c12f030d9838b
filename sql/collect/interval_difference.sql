create or replace function _wedding_dbopt.interval_difference(source text, reset_at timestamptz, counters numeric[])
returns numeric[]
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  old       _wedding_dbopt.system_last;
  restarted boolean;
begin
  select * into old from _wedding_dbopt.system_last l where l.source = interval_difference.source;
  insert into _wedding_dbopt.system_last (source, reset_at, counters)
  values (interval_difference.source, interval_difference.reset_at, interval_difference.counters)
  on conflict on constraint system_last_pkey do update set reset_at = excluded.reset_at, counters = excluded.counters;
  if old.source is null then
    return null;
  end if;
  restarted := old.reset_at is distinct from interval_difference.reset_at
    or exists (select from unnest(interval_difference.counters, old.counters) as part(now, old) where part.now < part.old);
  if restarted then
    return interval_difference.counters;
  end if;
  return array(select part.now - part.old
               from unnest(interval_difference.counters, old.counters) with ordinality as part(now, old, place)
               order by part.place);
end $$;
comment on function _wedding_dbopt.interval_difference(text, timestamptz, numeric[]) is
  'Keeps the counters of a source and returns their growth since the last call: null the first time, all of it after a reset.';
