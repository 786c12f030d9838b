-- Called for each new hour, and for all hours when statements have changed their context. Calls above the objective are
-- known from the passes only; where those are gone, what the hour says already is kept.
-- For the nested loops that are off see store_contexts.sql.
create or replace function _wedding_dbopt.roll_up_contexts(first timestamptz, last timestamptz) returns void
language sql volatile security invoker
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
set jit = off as $$
  with kept as (
    delete from _wedding_dbopt.context_hour c
    where c.hour between roll_up_contexts.first and roll_up_contexts.last
      and exists (select from _wedding_dbopt.statement_hour h where h.hour = c.hour)
    returning c.*
  ), load as (
    select h.hour, coalesce(s.context, 'other') as context, sum(h.calls::float8) as calls, sum(h.exec_us::float8) / 1000 as exec_ms,
      sum(h.exec_sq::float8) as exec_sq, sum(h.rows::float8) as rows, sum(h.hit::float8) as hit, sum(h.read::float8) as read
    from (select h.hour, unnest(h.ids) as id, unnest(h.calls) as calls, unnest(h.exec_us) as exec_us, unnest(h.exec_sq) as exec_sq,
            unnest(h.rows) as rows, unnest(h.hit) as hit, unnest(h.read) as read
          from _wedding_dbopt.statement_hour h
          where h.hour between roll_up_contexts.first and roll_up_contexts.last) h
    join _wedding_dbopt.statement s on s.id = h.id
    where not s.own and s.dbid = (select d.oid from pg_database d where d.datname = current_database())
    group by 1, 2
  ), slow as (
    select date_trunc('hour', c.at - interval '1 microsecond', 'UTC') as hour, c.context, sum(c.above) as above,
      sum(c.above_low)::bigint as above_low, sum(c.above_high)::bigint as above_high
    from _wedding_dbopt.context_sample c
    where c.at > roll_up_contexts.first and c.at <= roll_up_contexts.last + interval '1 hour'
    group by 1, 2
  )
  insert into _wedding_dbopt.context_hour
    (hour, context, calls, exec_ms, exec_sq, rows, hit, read, above, above_low, above_high)
  select l.hour, l.context, l.calls, l.exec_ms, l.exec_sq, coalesce(l.rows, 0), coalesce(l.hit, 0), coalesce(l.read, 0),
    coalesce(s.above, k.above), coalesce(s.above_low, k.above_low), coalesce(s.above_high, k.above_high)
  from load l left join slow s using (hour, context) left join kept k using (hour, context)
$$;
comment on function _wedding_dbopt.roll_up_contexts(timestamptz, timestamptz) is
  'Sums statement_hour and context_sample into context_hour for the hours from the first to the last; may be repeated.';
