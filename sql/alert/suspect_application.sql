create or replace function _wedding_dbopt.suspect_application(at timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with pass as (
    select s.at, s.total_max, e.name, (e.facts ->> 'max')::numeric as most, (e.facts ->> 'active_max')::numeric as active
    from (select * from _wedding_dbopt.connection_sample c where c.at <= suspect_application.at and c.at > suspect_application.at - interval '2 minutes' order by c.at desc limit 1) s
    cross join lateral jsonb_each(s.by_application) as e (name, facts)
  ), before as (
    select e.name, avg((e.facts ->> 'max')::numeric) as usual
    from _wedding_dbopt.connection_sample s cross join lateral jsonb_each(s.by_application) as e (name, facts)
    where s.at > suspect_application.at - interval '1 hour' and s.at < suspect_application.at - interval '2 minutes'
    group by e.name
  )
  select jsonb_build_object('type', 'application', 'application', p.name, 'connections', p.most, 'usual', round(coalesce(b.usual, 0), 1),
    'text', format('Application %s holds %s of %s connections (%s active), in the hour before %s on average.', coalesce(nullif(p.name, ''), '(no name)'), p.most, p.total_max, p.active, round(coalesce(b.usual, 0), 1)))
  from pass p left join before b using (name)
  order by p.most - coalesce(b.usual, 0) desc
  limit 1
$$;
comment on function _wedding_dbopt.suspect_application(timestamptz) is 'The application whose connections grew most against the hour before.';
