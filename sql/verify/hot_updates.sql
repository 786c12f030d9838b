-- An index on a column that is updated ends heap-only updates: the price comes later, as bloat, so it is told beside the times.
create or replace function _wedding_dbopt.hot_updates(action_id bigint, at timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  select jsonb_build_object('percent_before', side.share[1], 'percent_after', side.share[2])
  from _wedding_dbopt.action a
  cross join _wedding_dbopt.verification_window(a.id, hot_updates.at) w
  cross join lateral (
    select array[(select round(100.0 * sum(d.hot_updated) / nullif(sum(d.updated), 0), 1)
                  from _wedding_dbopt.table_delta(w.before_since, w.first_started) d where d.relid = c.oid),
                 (select round(100.0 * sum(d.hot_updated) / nullif(sum(d.updated), 0), 1)
                  from _wedding_dbopt.table_delta(w.last_applied, hot_updates.at) d where d.relid = c.oid)] as share
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = a.schema_name and c.relname = a.table_name) side
  where a.id = hot_updates.action_id and w.last_applied is not null
$$;
comment on function _wedding_dbopt.hot_updates(bigint, timestamptz) is
  'Percent of the updates of an action''s table that stayed in their page, before and after it, as far as samples of tables are kept.';
