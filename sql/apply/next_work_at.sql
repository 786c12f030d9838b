-- After the last `until` the hours and freezes are asked again, because a quiet hour may lie in another freeze. What nobody
-- knows the end of is asked again after the usual delay.
create or replace function _wedding_dbopt.next_work_at(at timestamptz, bytes bigint, lift boolean) returns timestamptz
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with latest as (
    select greatest(max(o.until), next_work_at.at + case when bool_or(o.until is null) then _wedding_dbopt.setting_value('apply_retry_delay')::interval
                                                         else interval '0' end) as moment
    from _wedding_dbopt.work_obstacles(next_work_at.at, next_work_at.bytes) o where not (o.yields and next_work_at.lift)
  )
  select case when next_work_at.lift then l.moment else coalesce(_wedding_dbopt.next_quiet(l.moment), l.moment) end from latest l
$$;
comment on function _wedding_dbopt.next_work_at(timestamptz, bigint, boolean) is
  'When work that was postponed should be tried again; lift: what yields to an emergency does not count.';
