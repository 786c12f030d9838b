create or replace function _wedding_dbopt.state_summary(at timestamptz) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select concat_ws(' ',
    (select format('%s of %s connections in use, %s active.', used.total, used.usable, used.active)
     from wedding_dbopt.get_connection_stats(state_summary.at) as used where used.total is not null),
    (select case when count(*) > 0 then format('%s of %s contexts with calls in the last hour answer within their objective on average.', count(*) filter (where load.mean_ms <= goal.latency_ms), count(*))
                 else 'No calls in the last hour.' end
     from _wedding_dbopt.context_sum(state_summary.at - interval '1 hour', state_summary.at) as load join _wedding_dbopt.objective as goal on goal.context = load.context),
    (select format('%s %% of the blocks of the last day were found in shared_buffers.', round(100 * sum(sample.blks_hit) / (sum(sample.blks_hit) + sum(sample.blks_read)), 1))
     from _wedding_dbopt.system_sample as sample where sample.at > state_summary.at - interval '24 hours' and sample.at <= state_summary.at
     having sum(sample.blks_hit) + sum(sample.blks_read) > 0),
    (select format('The oldest transaction id is %s transactions old.', to_char(age(datfrozenxid), 'FM9,999,999,999'))
     from pg_database where datname = current_database()),
    (select format('%s actions kept, %s under judgement.', count(*) filter (where action.state = 'kept'), count(*) filter (where action.state = 'verifying'))
     from _wedding_dbopt.action),
    (select format('%s findings are muted.', count(*)) from _wedding_dbopt.finding_mute as mute
     where mute.muted_until is null or mute.muted_until > state_summary.at having count(*) > 0))
$$;
comment on function _wedding_dbopt.state_summary(timestamptz) is 'Connections, objectives, cache, transaction ids and actions in one line each, as health() ends with.';
