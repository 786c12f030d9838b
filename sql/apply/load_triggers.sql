create or replace function _wedding_dbopt.load_triggers(at timestamptz) returns table (context text, reason text, urgent boolean)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  select distinct on (t.context) t.context, t.reason, t.urgent
  from (
    select s.context, format('surge: %s times the usual', round(s.factor::numeric, 1)), true
    from _wedding_dbopt.surges_on(load_triggers.at) s where s.context in ('booking', 'vendor_search', 'payment', 'timeline', 'guest_management')
    union all
    select l.context, format('high load: %s calls a minute, usually %s', round(l.calls_per_minute::numeric), round(coalesce(e.calls_per_minute, l.usual_per_minute)::numeric)), false
    from _wedding_dbopt.context_load(load_triggers.at) l
    cross join lateral _wedding_dbopt.expected_pass(l.context, load_triggers.at - interval '2 minutes', load_triggers.at) e
    where l.context in ('booking', 'vendor_search', 'payment', 'timeline', 'guest_management')
      and (e.calls_per_minute is not null or l.passes >= 10)
      and l.calls_per_minute >= 2 * coalesce(e.calls_per_minute, l.usual_per_minute)
      and l.calls_per_minute >= coalesce(e.calls_per_minute, l.usual_per_minute) + 5) t (context, reason, urgent)
  order by t.context, t.urgent desc
$$;
comment on function _wedding_dbopt.load_triggers(timestamptz) is
  'Business contexts whose load asks for their prepared actions: a surge is on (urgent), or it is twice the usual.';
