create or replace function _wedding_dbopt.probe_seasons(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('seasons', coalesce(jsonb_agg(s.name order by s.name), '[]'))
    from _wedding_dbopt.seasons_on(probe_seasons.at) s);
end $$;
comment on function _wedding_dbopt.probe_seasons(timestamptz) is 'Names of the seasons in force.';
