create or replace function _wedding_dbopt.suspect_role(at timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('type', 'role', 'role', pg_get_userbyid(t.userid), 'queryid', min(t.queryid)::text, 'rollbacks', sum(u.calls),
    'text', format('Role %s asked for %s rollbacks in the last five minutes, more than any other; those after an error of a single statement are not counted by role.', pg_get_userbyid(t.userid), sum(u.calls)))
  from _wedding_dbopt.statement_sample s
  cross join lateral unnest(s.ids, s.calls) as u (id, calls)
  join _wedding_dbopt.statement t on t.id = u.id and t.kind = 'utility'
    and _wedding_dbopt.first_word(_wedding_dbopt.statement_query(t.id)) in ('rollback', 'abort')
  where s.at > suspect_role.at - interval '5 minutes' and s.at <= suspect_role.at
  group by t.userid
  order by sum(u.calls) desc
  limit 1
$$;
comment on function _wedding_dbopt.suspect_role(timestamptz) is 'The role that asked for most rollbacks in the last five minutes; null when none did.';
