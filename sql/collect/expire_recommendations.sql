create or replace function _wedding_dbopt.expire_recommendations(at timestamptz) returns void
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  with expired as (
    update _wedding_dbopt.recommendation r
    set status = 'expired', updated_at = expire_recommendations.at,
        status_reason = 'not taken before ' || r.expires_at
    where r.status = 'open' and r.expires_at < expire_recommendations.at
    returning r.id, r.status_reason
  )
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  select expire_recommendations.at, 'wedding_dbopt.maintain', 'recommendation', e.id::text, 'open', 'expired', e.status_reason
  from expired e
$$;
comment on function _wedding_dbopt.expire_recommendations(timestamptz) is
  'Marks open recommendations as expired whose time is over.';
