-- Each window is cut into twelve slices: how they differ tells how certain the change is (Welch's test of the slices).
create or replace function _wedding_dbopt.efficiency_change(before_until timestamptz, after_since timestamptz, length interval)
returns table (figure text, before float8, after float8, change float8, low float8, high float8, n bigint)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with slice as (
    select side.later, side.since + number * efficiency_change.length / 12 as since, side.since + (number + 1) * efficiency_change.length / 12 as until
    from (values (false, efficiency_change.before_until - efficiency_change.length), (true, efficiency_change.after_since)) as side(later, since)
    cross join generate_series(0, 11) as number
  ), measured as (
    select slice.later, figure.name, figure.value
    from slice cross join lateral _wedding_dbopt.resource_efficiency(slice.since, slice.until) as found
    cross join lateral (values ('index_hit_ratio', found.index_hit_percent), ('connection_efficiency', found.calls_per_connection)) as figure(name, value)
    where figure.value is not null
  ), whole as (
    select 'index_hit_ratio' as name, old.index_hit_percent as old, new.index_hit_percent as new
    from _wedding_dbopt.resource_efficiency(efficiency_change.before_until - efficiency_change.length, efficiency_change.before_until) as old,
         _wedding_dbopt.resource_efficiency(efficiency_change.after_since, efficiency_change.after_since + efficiency_change.length) as new
    union all
    select 'connection_efficiency', old.calls_per_connection, new.calls_per_connection
    from _wedding_dbopt.resource_efficiency(efficiency_change.before_until - efficiency_change.length, efficiency_change.before_until) as old,
         _wedding_dbopt.resource_efficiency(efficiency_change.after_since, efficiency_change.after_since + efficiency_change.length) as new
  ), spread as (
    select measured.name, count(*) filter (where not measured.later) as n_old, count(*) filter (where measured.later) as n_new,
           var_samp(measured.value) filter (where not measured.later) as variance_old, var_samp(measured.value) filter (where measured.later) as variance_new,
           avg(measured.value) filter (where not measured.later) as mean_old, avg(measured.value) filter (where measured.later) as mean_new
    from measured group by measured.name
  ), tested as (
    select whole.name, whole.old, whole.new, spread.n_old + spread.n_new as slices,
           case whole.name when 'index_hit_ratio' then whole.new - whole.old else 100 * (whole.new / nullif(whole.old, 0) - 1) end as change,
           case whole.name when 'index_hit_ratio' then sqrt(variance_old / n_old + variance_new / n_new)
                else 100 * (whole.new / nullif(whole.old, 0)) * sqrt(variance_old / n_old / nullif(mean_old, 0) ^ 2 + variance_new / n_new / nullif(mean_new, 0) ^ 2) end as error,
           least(n_old, n_new) - 1 as freedom
    from whole left join spread on spread.name = whole.name
  )
  select tested.name, tested.old, tested.new, tested.change,
         case when tested.freedom >= 3 then tested.change - reach.width end, case when tested.freedom >= 3 then tested.change + reach.width end, tested.slices
  from tested
  cross join lateral (  -- Student's quantile (Cornish and Fisher's expansion)
    select tested.error * (1.96 + 2.372 / tested.freedom + 2.823 / tested.freedom ^ 2 + 2.556 / tested.freedom ^ 3) as width
    where tested.freedom >= 1 union all select null where coalesce(tested.freedom, 0) < 1) as reach
$$;
comment on function _wedding_dbopt.efficiency_change(timestamptz, timestamptz, interval) is
  'Index blocks found in cache (percent, change in points) and calls per active connection (change in percent) in two windows of one length, with the interval (95 %) of the change from twelve slices a side; no interval below four slices that were seen.';
