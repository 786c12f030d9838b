create or replace function _wedding_dbopt.context_load(at timestamptz)
returns table(context text, calls_per_minute float8, usual_per_minute float8, passes bigint)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with pass as (
    select recorded.context, recorded.at > context_load.at - interval '2 minutes' as recent, recorded.calls,
           extract(epoch from recorded.at - recorded.previous_at)::float8 / 60 as minutes
    from _wedding_dbopt.context_passes(context_load.at - interval '6 hours', context_load.at) as recorded
  )
  select pass.context, sum(pass.calls) filter (where pass.recent) / sum(pass.minutes) filter (where pass.recent),
         percentile_cont(0.5) within group (order by pass.calls / pass.minutes) filter (where not pass.recent),
         count(*) filter (where not pass.recent)
  from pass
  group by pass.context
$$;
comment on function _wedding_dbopt.context_load(timestamptz) is
  'Calls per minute of each business context in the last two minutes, and the median of the collection passes of the six hours before.';
