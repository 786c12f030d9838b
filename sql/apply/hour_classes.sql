-- The quarter of the week with the least load is quiet whatever the shape, so a flat profile bars nothing and a sharp one
-- leaves nights enough.
create or replace function _wedding_dbopt.hour_classes()
returns table (hour_of_week integer, factor float8, class text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with known as materialized (
    select p.hour_of_week::integer as hour, p.factor, p.hours from _wedding_dbopt.load_profile p where p.context = 'all'
  ), week as (
    select percentile_cont(0.25) within group (order by k.factor) as quarter from known k having count(*) = 168 and avg(k.hours) >= 2
  )
  select k.hour, k.factor,
         case when k.factor <= greatest(w.quarter, _wedding_dbopt.setting_value('quiet_hour_factor')::float8) then 'quiet'
              when k.factor >= _wedding_dbopt.setting_value('peak_hour_factor')::float8 then 'peak' else 'busy' end
  from known k cross join week w
$$;
comment on function _wedding_dbopt.hour_classes() is
  'The hours of the week (0 = Monday 0 o''clock, local) as quiet, busy or peak by the learned profile of all calls; no rows before two weeks of it are known.';
