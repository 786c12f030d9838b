create or replace function _wedding_dbopt.verification_rules(action_id bigint, at timestamptz,
  out age_s float8, out looks integer, out last_age_s float8, out new_data boolean, out min_calls integer, out min_window_s float8,
  out max_window_s float8, out min_gain float8, out regression float8, out critical_regression float8, out evidence text, out goal text, out uses bigint)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select extract(epoch from verification_rules.at - w.last_applied)::float8, a.looks,
         coalesce(extract(epoch from a.looked_at - w.last_applied), 0)::float8,
         exists (select from _wedding_dbopt.statement_sample s
                 where s.at > coalesce(a.looked_at, w.last_applied) and s.at <= verification_rules.at),
         _wedding_dbopt.setting_value('verification_min_calls')::integer,
         extract(epoch from _wedding_dbopt.setting_value('verification_min_window')::interval)::float8,
         extract(epoch from _wedding_dbopt.setting_value('verification_max_window')::interval)::float8,
         _wedding_dbopt.setting_value('verification_min_gain')::float8,
         _wedding_dbopt.setting_value('verification_regression')::float8,
         _wedding_dbopt.setting_value('verification_critical_regression')::float8,
         case when a.action_type in ('index_creation', 'index_drop', 'index_renewal', 'statistics') then 'plan' else 'time' end,
         a.goal,
         -- A new index has counted its scans since it was made, unless the counters were reset; on replicas it may be used unseen.
         case when a.action_type = 'index_creation' and current_setting('track_counts')::boolean
                   and not exists (select from _wedding_dbopt.replica)
                   and coalesce((select d.stats_reset < a.started_at from pg_stat_database d where d.datname = current_database()), true)
              -- That of a partitioned table is used where its parts are.
              then (select sum(pg_stat_get_numscans(coalesce(p.relid, i.oid)))
                    from pg_class i join pg_namespace n on n.oid = i.relnamespace
                    left join lateral pg_partition_tree(case when i.relkind = 'I' then i.oid end) p on p.isleaf
                    where n.nspname = a.schema_name and i.relname = a.object_name and i.relkind in ('i', 'I'))::bigint end
  from _wedding_dbopt.action a
  cross join _wedding_dbopt.verification_window(a.id, verification_rules.at) w
  where a.id = verification_rules.action_id
$$;
comment on function _wedding_dbopt.verification_rules(bigint, timestamptz) is
  'How an action is judged: seconds since the change, looks so far, the bounds of the settings, what its type must show (plan or time), whether it must gain or only do no harm, and how often its index was used.';
