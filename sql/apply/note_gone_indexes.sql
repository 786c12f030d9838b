-- In every tick and without Python. An index that somebody only gave another name still carries our mark.
create or replace function _wedding_dbopt.note_gone_indexes() returns integer
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  with gone as materialized (
    select a.id, case when to_regclass(format('%I.%I', a.schema_name, a.table_name)) is null
                      then 'the index is gone: somebody dropped its table'
                      else coalesce('renewed by action ' || renewal.id, 'it is gone: somebody undid it') end as reason
    from _wedding_dbopt.action a
    left join lateral (select max(r.id) as id from _wedding_dbopt.action r
                       where r.action_type = 'index_renewal' and r.state in ('verifying', 'kept') and r.schema_name = a.schema_name
                         and r.details ->> 'old' = a.object_name) as renewal on true
    where a.action_type in ('index_creation', 'index_renewal') and a.state = 'kept' and not a.rollback_requested
      and to_regclass(format('%I.%I', a.schema_name, a.object_name)) is null
      and not exists (select from pg_description d
                      where d.classoid = 'pg_class'::regclass and d.description = _wedding_dbopt.action_mark(a.id))
  ), told as materialized (
    select _wedding_dbopt.change_action(g.id, 'rolled_back', g.reason) from gone g
  )
  select count(*)::integer from told
$$;
comment on function _wedding_dbopt.note_gone_indexes() is
  'Ends kept index actions whose index somebody dropped, with its column, its table or by itself; returns how many.';
