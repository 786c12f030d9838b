-- The texts are read for statements that were never seen before only, because reading them loads the whole text file. The
-- dictionary's row is written here, when the text is known, and not before: an update of each would double a first pass's WAL.
-- One text that is none in its encoding, of whatever database, keeps the server from showing any. What is new is counted without
-- its text then, and each pass tries again.
create or replace function _wedding_dbopt.name_statements(after_id bigint, at timestamptz) returns void
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

  begin
    execute format($sql$
      with texts as materialized (
        select l.id, l.queryid, l.dbid, l.userid, l.toplevel, l.id > $1 as is_new,
          _wedding_dbopt.stored_text(_wedding_dbopt.readable_text(q.query)) as query,
          coalesce(_wedding_dbopt.is_own(q.query), false) as own, coalesce(q.query ~* 'pg_stat_statements_reset\s*\(', false) as resets
        from _wedding_dbopt.statement_last l
        left join (select queryid, dbid, userid, %2$s as toplevel, query from %1$s.pg_stat_statements(true)) q
          using (queryid, dbid, userid, toplevel)
        where l.id > $1 or l.id in (select s.id from _wedding_dbopt.statement s where s.unread)
      ), named as (
        insert into _wedding_dbopt.statement (id, queryid, dbid, userid, toplevel, first_seen, own, resets, kind) overriding system value
        select t.id, t.queryid, t.dbid, t.userid, t.toplevel, $2, t.own, t.resets, _wedding_dbopt.statement_kind(t.query) from texts t
        where t.is_new
        order by t.id
      ), read as (
        update _wedding_dbopt.statement s
        set unread = false, own = t.own, resets = t.resets, kind = _wedding_dbopt.statement_kind(t.query), classified_at = null
        from texts t where t.id = s.id and s.unread and not t.is_new
      )
      select _wedding_dbopt.store_texts(array_agg(t.id), array_agg(t.query)) from texts t
      $sql$, home, case when has_toplevel then 'toplevel' else 'true' end)
    using name_statements.after_id, name_statements.at;
    update _wedding_dbopt.statement s set unread = false where s.unread;  -- the server has forgotten these
  exception when others then
    insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason) values (name_statements.at, 'statements: texts', sqlstate, sqlerrm);
    insert into _wedding_dbopt.statement (id, queryid, dbid, userid, toplevel, first_seen, unread) overriding system value
    select l.id, l.queryid, l.dbid, l.userid, l.toplevel, name_statements.at, true from _wedding_dbopt.statement_last l
    where l.id > name_statements.after_id
    order by l.id;
  end;
end $$;
comment on function _wedding_dbopt.name_statements(bigint, timestamptz) is
  'Enters the statements with a greater id into the dictionary, with their texts from pg_stat_statements; what is kept holds no literal and no comment.';
