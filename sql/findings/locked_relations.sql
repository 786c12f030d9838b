-- Whoever asks the server to spell an expression, or for a sequence's last value, takes a lock on the relation for a
-- moment. Behind ACCESS EXCLUSIVE, held or waited for, that moment would last.
create or replace function _wedding_dbopt.locked_relations() returns setof oid
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select distinct lock.relation from pg_locks as lock
  where lock.locktype = 'relation' and lock.mode = 'AccessExclusiveLock' and lock.pid <> pg_backend_pid()
    and lock.database = (select oid from pg_database where datname = current_database())
$$;
comment on function _wedding_dbopt.locked_relations() is
  'Relations that somebody holds, or waits for, in a mode that keeps readers out: the checks pass them over.';
