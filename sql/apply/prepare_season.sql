-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.prepare_season(season text default null, at timestamptz default now()) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  chosen record;
  run bigint;
begin
  perform _wedding_dbopt.require_time(prepare_season.at);
  select * into chosen from _wedding_dbopt.seasons_ahead(prepare_season.at) s
  where prepare_season.season is null or s.name = prepare_season.season order by s.factor desc, s.starts_at limit 1;
  perform _wedding_dbopt.require(chosen.name is not null, format('There is no season %L', prepare_season.season),
    (select format('Use one of %s.', string_agg(s.name, ', ' order by s.name)) from _wedding_dbopt.seasons_ahead(prepare_season.at) s));
  select r.id into run from _wedding_dbopt.readiness r where r.state = 'queued' and r.season = chosen.name order by r.id limit 1;
  if run is null then
    insert into _wedding_dbopt.readiness (requested_by, requested_at, season)
    values (_wedding_dbopt.actor(), prepare_season.at, chosen.name) returning id into run;
  end if;
  return jsonb_build_object('success', true, 'readiness_id', run, 'season', chosen.name, 'starts_at', chosen.starts_at, 'ends_at', chosen.ends_at,
    'state', 'queued', 'next', format('Poll get_readiness(%s): the next tick plans the statements anew and computes what breaks first.', run));
end $$;
comment on function wedding_dbopt.prepare_season(text, timestamptz) is
  'Asks for a readiness run for a season (the one with the most load if none is named) and answers at once with its id; the next tick computes what breaks first under the forecast load. get_readiness() shows the result.';
