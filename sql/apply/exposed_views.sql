-- Only views that are still the ones we made count. A role that is gone has no rights that could be taken.
create or replace function _wedding_dbopt.exposed_views() returns table (action_id bigint, view text, lost text[])
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with made as materialized (
    select a.id, format('%I.%I', a.schema_name, a.object_name) as view, a.details #>> '{access,owner}' as owner,
           array(select jsonb_array_elements_text(a.details #> '{access,readers}')) as readers,
           array(select jsonb_array_elements_text(a.details -> 'tables')) as tables
    from _wedding_dbopt.action a
    where a.action_type = 'cache_optimization' and a.object_kind = 'materialized view' and a.state in ('verifying', 'kept') and a.details ? 'access'
  ), compared as (
    select m.id, m.view, case when now.owner = m.owner then array(
             select r from unnest(m.readers) r where r <> all (now.readers) and (r = 'PUBLIC' or to_regrole(r) is not null)) end as lost
    from made m left join lateral _wedding_dbopt.readers_of(m.tables) now on true
    where obj_description(to_regclass(m.view), 'pg_class') = _wedding_dbopt.action_mark(m.id)
  )
  select c.id, c.view, c.lost from compared c where c.lost is null or c.lost <> '{}'
$$;
comment on function _wedding_dbopt.exposed_views() is
  'Materialised views of ours that show more than their tables do by now: lost are the roles that may no longer read a table, null where the tables hide rows or changed their owner.';
