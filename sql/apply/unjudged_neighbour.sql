create or replace function _wedding_dbopt.unjudged_neighbour(action_id bigint) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select format('action %s (%s) on the same object is not judged yet', o.id, o.action_type)
  from _wedding_dbopt.action s
  join _wedding_dbopt.action o
    on o.id <> s.id and o.state in ('applying', 'verifying')
    and (o.run_id is distinct from s.run_id or o.action_type <> s.action_type)
    and case when s.table_name is null
             then o.object_kind = s.object_kind and o.object_name is not distinct from s.object_name
             else o.schema_name = s.schema_name and o.table_name = s.table_name end
  where s.id = unjudged_neighbour.action_id
    and not _wedding_dbopt.awaits_end(o)
  order by o.id limit 1
$$;
comment on function _wedding_dbopt.unjudged_neighbour(bigint) is
  'Which other deed on the object of an action has no verdict yet, in words; null when there is none. Those of one run and type on a table are one design, and one that only awaits its end has shown what it does.';
