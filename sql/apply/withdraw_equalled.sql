-- In every tick and without Python: an action that waits shall not make, or offer, what somebody has made meanwhile.
create or replace function _wedding_dbopt.withdraw_equalled() returns integer
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  with waiting as materialized (
    select a.id, a.object_name, t.oid as relid,
           _wedding_dbopt.index_body(coalesce(a.details ->> 'create', a.sql[1])) as body
    from _wedding_dbopt.action a
    join pg_namespace n on n.nspname = a.schema_name
    join pg_class t on t.relnamespace = n.oid and t.relname = a.table_name
    where a.action_type = 'index_creation' and a.state in ('proposed', 'approved')
  ), equalled as (
    select distinct on (w.id) w.id, format('somebody made an equal index: %I', c.relname) as reason
    from waiting w
    join pg_index i on i.indrelid = w.relid and i.indisvalid
    join pg_class c on c.oid = i.indexrelid and c.relname <> w.object_name
    where _wedding_dbopt.index_body(pg_get_indexdef(c.oid)) = w.body
    order by w.id, c.oid
  ), told as materialized (
    select e.id, _wedding_dbopt.change_action(e.id, 'withdrawn', e.reason) from equalled e
  )
  select count(*)::integer from told
$$;
comment on function _wedding_dbopt.withdraw_equalled() is
  'Withdraws index actions that were not begun and whose table has an equal index by now, with the reason; returns how many.';
