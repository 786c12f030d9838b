create or replace function wedding_dbopt.get_lock_waits(
  time_window interval default '1 hour', limit_count integer default 100, at timestamptz default now())
returns table(sampled_at timestamptz, blocked_sessions integer, longest_wait numeric, waiting_for text, lock_mode text,
              blocker_pid integer, blocker_role text, blocker_state text, blocker_transaction_duration numeric,
              query_hash text, query text, wedding_context text)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  since constant timestamptz := _wedding_dbopt.window_start(get_lock_waits.at, get_lock_waits.time_window);
begin
  perform _wedding_dbopt.require(get_lock_waits.time_window > interval '0', 'time_window must be positive', 'For example ''1 hour''.');
  perform _wedding_dbopt.require(get_lock_waits.limit_count > 0, 'limit_count must be positive', 'Ask for 1 row or more.');
  return query
  with root as (
    select sample.at, blocker.*
    from _wedding_dbopt.lock_sample as sample
    cross join lateral unnest(sample.root_pids, sample.root_queryids, sample.root_dbids, sample.root_roles, sample.root_states,
                              sample.root_transaction_s, sample.blocked, sample.longest_s, sample.relids, sample.modes)
      as blocker(pid, queryid, dbid, role, state, transaction_s, blocked, longest_s, relid, mode)
    where sample.at > since and sample.at <= get_lock_waits.at
    order by blocker.longest_s desc nulls last, sample.at desc, blocker.pid
    limit get_lock_waits.limit_count
  )
  select root.at, root.blocked, round(root.longest_s * 1000, 3),
         case when pg_class.oid is not null then format('%I.%I', pg_namespace.nspname, pg_class.relname) end, root.mode,
         root.pid, pg_get_userbyid(root.role)::text, case when root.pid = 0 then 'prepared transaction' else root.state end,
         round(root.transaction_s * 1000, 3), root.queryid::text, _wedding_dbopt.statement_query(known.id), known.context
  from root
  left join (pg_class join pg_namespace on pg_namespace.oid = pg_class.relnamespace) on pg_class.oid = root.relid
  left join lateral (
    select statement.id, statement.context from _wedding_dbopt.statement
    where statement.queryid = root.queryid and statement.dbid = root.dbid
    order by statement.id limit 1) as known on true
  order by root.longest_s desc nulls last, root.at desc, root.pid;
end $$;
comment on function wedding_dbopt.get_lock_waits(interval, integer, timestamptz) is
  'Who made others wait for a lock, longest wait first: each row is a session seen at the root of a blocking tree, with the sessions behind it, what the longest of them waits for, and the statement it ran (its last one, when it is idle in a transaction). Durations in milliseconds; query is null for those who may not read statement texts.';
