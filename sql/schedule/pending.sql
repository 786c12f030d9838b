create or replace function _wedding_dbopt.pending(work text) returns boolean
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select case pending.work
    when 'statements' then
      exists (select from _wedding_dbopt.statement s
              where s.classified_at is null and s.dbid = (select d.oid from pg_database d where d.datname = current_database()))
      or exists (select from _wedding_dbopt.classification_basis b where b.changed_since is not null)
      or (exists (select from _wedding_dbopt.statement s where s.classified_at is not null)
          and exists (select from _wedding_dbopt.classification_basis b
                      where b.rules is distinct from _wedding_dbopt.rules_fingerprint()
                         or b.definitions is distinct from _wedding_dbopt.definitions_fingerprint()))
      or exists (select from _wedding_dbopt.statement s join pg_stat_activity a on a.query_id = s.queryid where s.needs_constants)
      or exists (select from _wedding_dbopt.bounds_to_see())
    when 'runs' then exists (select from _wedding_dbopt.tuning_run r where r.state in ('queued', 'running'))
    when 'actions' then
      exists (select from _wedding_dbopt.action a
              where a.state in ('approved', 'applying', 'verifying') or a.rollback_requested)
      or exists (select from _wedding_dbopt.tuning_run r where r.state = 'verifying')
      or exists (select from _wedding_dbopt.exposed_views())
    when 'readiness' then exists (select from _wedding_dbopt.readiness r where r.state = 'queued')
  end
$$;
comment on function _wedding_dbopt.pending(text) is
  'Whether the tick has something to do: statements that are new or whose rules changed, tuning runs to carry out, or actions to apply, judge, undo or keep from showing too much.';
