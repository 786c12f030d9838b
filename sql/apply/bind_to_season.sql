-- By what was seen, never by a guess: a wanted index that is dropped costs more than an unwanted one that stays. So both the
-- season and the time outside must have been observed for a fortnight, and outside next to nothing may have happened.
create or replace function _wedding_dbopt.bind_to_season(run_id bigint, at timestamptz) returns integer
language sql volatile security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with idea as materialized (
    select r.id, array(select distinct (b ->> 'statement_id')::integer from jsonb_array_elements(r.benefits) b where b ->> 'statement_id' ~ '^\d+$') as statements
    from _wedding_dbopt.recommendation r
    where r.run_id = bind_to_season.run_id and r.status = 'open' and r.kind = 'index_creation'
  ), place as materialized (
    select _wedding_dbopt.setting_value('time_zone') as zone
  ), day as materialized (
    select d.day, c.name as season, _wedding_dbopt.in_season((d.day at time zone coalesce(c.time_zone, p.zone))::date, c.first_day, c.last_day) as inside
    from place p cross join _wedding_dbopt.calendar() c cross join _wedding_dbopt.rolled_day d
    where c.enabled and d.day > bind_to_season.at - interval '400 days' and d.day <= bind_to_season.at
  ), observed as (
    select d.season, count(*) filter (where d.inside) as inside, count(*) filter (where not d.inside) as outside from day d group by d.season
  ), used as materialized (
    select s.id, d.day, d.exec_us[array_position(d.ids, s.id)]::float8 as us
    from (select distinct unnest(i.statements) as id from idea i) s
    join _wedding_dbopt.statement_day d on d.chunk = s.id / 64 and d.day > bind_to_season.at - interval '400 days'
  ), share as (
    select i.id, o.season, coalesce(sum(u.us) filter (where d.inside), 0) / o.inside as inside, coalesce(sum(u.us) filter (where not d.inside), 0) / o.outside as outside
    from idea i
    join used u on u.id = any (i.statements) and u.us is not null
    join day d on d.day = u.day
    join observed o on o.season = d.season and o.inside >= 14 and o.outside >= 14
    group by i.id, o.season, o.inside, o.outside
  ), bound as (
    select distinct on (s.id) s.id, s.season from share s
    where s.inside > 0 and s.outside <= _wedding_dbopt.setting_value('season_only_share')::float8 * s.inside
    order by s.id, s.inside desc
  ), changed as (
    update _wedding_dbopt.recommendation r set season = b.season from bound b where r.id = b.id returning r.id
  )
  select count(*)::integer from changed
$$;
comment on function _wedding_dbopt.bind_to_season(bigint, timestamptz) is
  'Binds those of a run''s index recommendations to a season whose statements worked next to nothing outside it; returns how many.';
