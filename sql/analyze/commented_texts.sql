-- The dictionary keeps no comments, because they may hold anybody's data. Their tags are read from the source, once.
create or replace function _wedding_dbopt.commented_texts() returns table (id integer, query text)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  home         regnamespace;
  has_toplevel boolean;
begin
  select e.extnamespace into home from pg_extension e where e.extname = 'pg_stat_statements';
  if home is null then
    return;
  end if;
  select 'toplevel' = any(p.proargnames) into has_toplevel from pg_proc p
  where p.oid = to_regprocedure(format('%s.pg_stat_statements(boolean)', home));
  return query execute format($sql$
    select s.id, _wedding_dbopt.readable_text(q.query)
    from (select queryid, dbid, userid, %2$s as toplevel, query from %1$s.pg_stat_statements(true)) q
    join _wedding_dbopt.statement s using (queryid, dbid, userid, toplevel)
    where s.classified_at is null and q.query ~ '--|/\*'
      and s.dbid = (select d.oid from pg_database d where d.datname = current_database())
    $sql$, home, case when has_toplevel then 'toplevel' else 'true' end);
exception when character_not_in_repertoire or untranslatable_character then
  return;  -- a text that is none in its encoding hides all of them, and a tag is a hint only
end $$;
comment on function _wedding_dbopt.commented_texts() is
  'The texts with comments of the statements that are to be classified, as pg_stat_statements holds them.';
