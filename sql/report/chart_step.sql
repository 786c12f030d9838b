create or replace function _wedding_dbopt.chart_step(since timestamptz, until timestamptz) returns interval
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select case when exists (
           select from _wedding_dbopt.context_hour as stored
           where stored.hour >= chart_step.since and stored.hour + interval '1 hour' <= least(chart_step.until, raw.since))
         then greatest(fine.step, interval '1 hour') else fine.step end
  from (select case when span <= interval '2 hours' then interval '1 minute' when span <= interval '8 hours' then interval '5 minutes'
                    when span <= interval '1 day' then interval '15 minutes' when span <= interval '4 days' then interval '1 hour'
                    when span <= interval '14 days' then interval '3 hours' else interval '1 day' end as step
        from (select chart_step.until - chart_step.since as span) as window_length) as fine,
       (select coalesce(min(sample.at), 'infinity') as since from _wedding_dbopt.statement_sample as sample) as raw
$$;
comment on function _wedding_dbopt.chart_step(timestamptz, timestamptz) is
  'Width of a point of a chart over a window: about a hundred points, no finer than the history that is kept.';
