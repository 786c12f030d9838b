create or replace function _wedding_dbopt.suspect_session(at timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select jsonb_strip_nulls(jsonb_build_object('type', 'blocking_session', 'pid', l.root_pids[1], 'role', pg_get_userbyid(l.root_roles[1]), 'application', a.application_name,
    'queryid', l.root_queryids[1]::text, 'state', l.root_states[1], 'blocked', l.blocked[1], 'longest_s', l.longest_s[1],
    'text', format('Session %s%s%s blocks %s of %s waiting sessions, the longest for %s s%s%s.', l.root_pids[1],
      coalesce(' of ' || pg_get_userbyid(l.root_roles[1]), ''), coalesce(' (' || nullif(a.application_name, '') || ')', ''), l.blocked[1], l.waiting, round(l.longest_s[1], 1),
      coalesce(' on ' || (select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = l.relids[1]), ''),
      coalesce('; it is ' || l.root_states[1] || ', its transaction is open for ' || round(l.root_transaction_s[1], 1) || ' s', ''))))
  from _wedding_dbopt.lock_sample l
  left join pg_stat_get_activity(null) a on a.pid = l.root_pids[1] and a.usesysid = l.root_roles[1]
  where l.at > suspect_session.at - interval '65 seconds' and l.at <= suspect_session.at
    and l.root_pids[1] is not null and l.longest_wait_s >= 1
  order by l.waiting * l.longest_wait_s desc
  limit 1
$$;
comment on function _wedding_dbopt.suspect_session(timestamptz) is 'The session at the root of the worst wait for a lock within the last minute; null when nobody waited for a second.';
