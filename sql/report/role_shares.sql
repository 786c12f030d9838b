create or replace function _wedding_dbopt.role_shares(since timestamptz, until timestamptz) returns table (name text, share numeric)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with role as (
    select r.key as name, sum((r.value ->> 'active_avg')::numeric) as active
    from _wedding_dbopt.connection_sample c cross join lateral jsonb_each(c.by_role) r
    where c.at > role_shares.since and c.at <= role_shares.until
    group by r.key
  )
  select role.name, role.active / sum(role.active) over () from role where role.active > 0
$$;
comment on function _wedding_dbopt.role_shares(timestamptz, timestamptz) is 'The share of each role in the busy sessions of a window.';
