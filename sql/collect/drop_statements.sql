-- A pass gives a statement that comes back its old id, so none is deleted while one runs.
create or replace function _wedding_dbopt.drop_statements(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  forgotten integer[];
begin
  perform from _wedding_dbopt.pass_lock l where l.name = 'collect' for update skip locked;
  if not found then
    raise lock_not_available using message = 'skipped: a collection pass is running';
  end if;
  with gone as (
    delete from _wedding_dbopt.statement s
    using (  -- each candidate reads the roll-ups of its chunk, so a run takes a limited number of them
      select c.id from _wedding_dbopt.statement c
      where c.first_seen < drop_statements.at - _wedding_dbopt.setting_value('hourly_retention')::interval
        and not exists (select from _wedding_dbopt.statement_last l where l.id = c.id)
      order by random()
      limit 200) candidate
    where s.id = candidate.id
      and not exists (select from _wedding_dbopt.statement_hour h where h.chunk = _wedding_dbopt.chunk_of(s.id) and s.id = any (h.ids))
      and not exists (select from _wedding_dbopt.statement_day d where d.chunk = _wedding_dbopt.chunk_of(s.id) and s.id = any (d.ids))
      and not exists (select from _wedding_dbopt.verification v where v.statement_id = s.id)
      and s.id not in (select unnest(b.ids) from _wedding_dbopt.baseline b)
    returning s.id
  ), plans as (
    delete from _wedding_dbopt.statement_plan p using gone g where p.statement_id = g.id
  )
  select array_agg(g.id) into forgotten from gone g;
  if forgotten is not null then
    perform _wedding_dbopt.forget_texts(forgotten);
  end if;
end $$;
comment on function _wedding_dbopt.drop_statements(timestamptz) is
  'Deletes statements, with their texts and plans, that pg_stat_statements has forgotten and that no roll-up, baseline or verification mentions.';
