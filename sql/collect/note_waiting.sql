create or replace function _wedding_dbopt.note_waiting(step text, parent text, at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason)
  values (note_waiting.at, 'maintain: ' || note_waiting.step, '55P03', format('somebody reads %s in a long transaction: it is tried again by the next run', note_waiting.parent));
end $$;
comment on function _wedding_dbopt.note_waiting(text, text, timestamptz) is 'Logs that partitions of a table could not be made or dropped because a reader holds it.';
