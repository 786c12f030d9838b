-- The texts are read for statements that were never seen before only, because reading them loads the whole text file.
create or replace function _wedding_dbopt.store_statement_texts(after_id integer) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set enable_nestloop = off as $$
declare
  home         regnamespace;
  has_toplevel boolean;
begin
  select e.extnamespace into home from pg_extension e where e.extname = 'pg_stat_statements';
  select 'toplevel' = any(p.proargnames) into has_toplevel from pg_proc p
  where p.oid = to_regprocedure(format('%s.pg_stat_statements(boolean)', home));

  execute format($sql$
    with texts as materialized (
      select s.id, _wedding_dbopt.stored_text(q.query) as query, _wedding_dbopt.is_own(q.query) as own,
        q.query ~* 'pg_stat_statements_reset\s*\(' as resets
      from _wedding_dbopt.statement s
      join (select queryid, dbid, userid, %2$s as toplevel, query from %1$s.pg_stat_statements(true)) q
        using (queryid, dbid, userid, toplevel)
      where s.id > $1 and q.query is not null
    ), facts as (
      update _wedding_dbopt.statement s set kind = _wedding_dbopt.statement_kind(t.query), own = t.own, resets = t.resets
      from texts t where s.id = t.id
    )
    insert into _wedding_dbopt.statement_text (statement_id, query)
    select t.id, t.query from texts t
    $sql$, home, case when has_toplevel then 'toplevel' else 'true' end)
  using after_id;
end $$;
comment on function _wedding_dbopt.store_statement_texts(integer) is
  'Reads the texts of the statements with a greater id from pg_stat_statements; what is kept holds no literal and no comment.';
