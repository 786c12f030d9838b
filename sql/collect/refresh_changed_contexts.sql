-- Once for all batches of a classification: the sums of a long history are not formed anew in each tick.
create or replace function _wedding_dbopt.refresh_changed_contexts() returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  since timestamptz;
begin
  if exists (select from _wedding_dbopt.statement s
             where s.classified_at is null and s.dbid = (select d.oid from pg_database d where d.datname = current_database())) then
    return;
  end if;
  select b.changed_since into since from _wedding_dbopt.classification_basis b for update;
  if since is not null then
    perform _wedding_dbopt.refresh_contexts(since);
    update _wedding_dbopt.classification_basis b set changed_since = null;
  end if;
end $$;
comment on function _wedding_dbopt.refresh_changed_contexts() is
  'Sums the business contexts again when statements got another one and none waits to be classified.';
