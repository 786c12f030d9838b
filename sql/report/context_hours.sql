create or replace function _wedding_dbopt.context_hours(since timestamptz, until timestamptz)
returns table(hour timestamptz, context text, calls bigint, exec_ms float8)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  -- An hour h stands for the passes in (h, h + 1 hour]. Whole hours come from the roll-up, what it lacks from raw samples.
  with slot as materialized (
    select slot.hour, exists (select from _wedding_dbopt.statement_hour as stored where stored.hour = slot.hour)
             and slot.hour >= context_hours.since and slot.hour + interval '1 hour' <= context_hours.until as rolled
    from generate_series(date_trunc('hour', context_hours.since, 'UTC'), context_hours.until, interval '1 hour') as slot(hour)
  ), per_statement as (
    select stored.hour, stored.statement_id, stored.calls, stored.exec_ms
    from _wedding_dbopt.statement_hour as stored
    where stored.hour >= context_hours.since and stored.hour + interval '1 hour' <= context_hours.until
      and stored.hour < context_hours.until
    union all
    select slot.hour, delta.statement_id, delta.calls, delta.exec_ms
    from slot
    cross join lateral _wedding_dbopt.statement_delta(
      greatest(slot.hour, context_hours.since), least(slot.hour + interval '1 hour', context_hours.until)) as delta
    where not slot.rolled
  )
  select per_statement.hour, coalesce(statement.context, 'other'),
         sum(per_statement.calls)::bigint, sum(per_statement.exec_ms)
  from per_statement
  join _wedding_dbopt.statement on statement.id = per_statement.statement_id
  where not statement.own
    and statement.dbid = (select oid from pg_database where datname = current_database())
  group by 1, 2
$$;
comment on function _wedding_dbopt.context_hours(timestamptz, timestamptz) is
  'Calls and execution time per hour and business context, from the hourly roll-ups and, where these lack an hour, from the raw samples.';
