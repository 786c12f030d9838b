-- Light work (a small table, or none) waits only for what would make it fail: an old transaction holds up what is done
-- concurrently, a full disk what touches a table.
create or replace function _wedding_dbopt.work_decision(action_id bigint, at timestamptz)
returns table (allowed boolean, reason text, next_at timestamptz)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with deed as materialized (
    select a.id, coalesce(a.estimated_bytes, 0) as bytes, a.wedding_context, a.table_name is not null as on_table, a.sql::text ~* 'concurrently' as concurrent,
           greatest(coalesce(a.estimated_bytes, 0), coalesce((
             select c.relpages::bigint * current_setting('block_size')::bigint from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = a.schema_name and c.relname = a.table_name), 0)) >= _wedding_dbopt.setting_value('heavy_work_bytes')::bigint as heavy,
           array(select a.wedding_context union
                 select s.context from _wedding_dbopt.recommendation r
                 cross join lateral jsonb_array_elements(r.benefits) b join _wedding_dbopt.statement s on s.id = (b ->> 'statement_id')::integer
                 where r.id = a.recommendation_id) as contexts
    from _wedding_dbopt.action a where a.id = work_decision.action_id
  ), emergency as materialized (
    select array_agg(m.context) as contexts, string_agg(m.reason, '; ') as reason
    from deed d join _wedding_dbopt.missed_contexts(work_decision.at) m on m.context = any (d.contexts)
  ), obstacle as materialized (
    select o.*, o.yields and (not d.heavy or e.contexts is not null)
             or o.kind = 'long_transaction' and not d.concurrent or o.kind = 'disk' and not d.on_table as lifted
    from deed d cross join emergency e cross join lateral _wedding_dbopt.work_obstacles(work_decision.at, d.bytes) o
  )
  select not exists (select from obstacle o where not o.lifted),
         coalesce((select string_agg(o.reason, '; ' order by o.yields, o.kind) from obstacle o where not o.lifted),
                  (select format('emergency: %s; in spite of: %s', e.reason, string_agg(o.reason, '; ' order by o.kind))
                   from emergency e cross join deed d cross join obstacle o where d.heavy and e.contexts is not null group by e.reason)),
         case when exists (select from obstacle o where not o.lifted)
              then _wedding_dbopt.next_work_at(work_decision.at, d.bytes, not d.heavy or e.contexts is not null) end
  from deed d cross join emergency e
$$;
comment on function _wedding_dbopt.work_decision(bigint, timestamptz) is
  'Whether an action may begin at a time, why not (or in spite of what), and when it is tried again. An action whose statements belong to a context that misses its objective now is an emergency.';
