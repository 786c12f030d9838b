create or replace function _wedding_dbopt.suspect_room(at timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with room as (
    select coalesce(nullif(current_setting('pg_stat_statements.max', true), '')::integer, 5000) as size
  ), seen as (
    select count(*) as statements, count(*) filter (where s.first_seen > suspect_room.at - interval '1 hour') as new_ones from _wedding_dbopt.statement s
    where s.first_seen <= suspect_room.at
  ), maker as (
    select pg_get_userbyid(s.userid) as role, count(*) as statements from _wedding_dbopt.statement s
    where s.first_seen > suspect_room.at - interval '1 hour' and s.first_seen <= suspect_room.at and not s.own
    group by s.userid order by count(*) desc limit 1
  ), wanted as (
    select (1000 * ceil(greatest(2 * room.size, least(1.2 * seen.statements, 10 * room.size)) / 1000.0))::integer as size from room, seen
  )
  select jsonb_strip_nulls(jsonb_build_object('type', 'setting', 'object', 'pg_stat_statements.max', 'value', wanted.size, 'role', maker.role,
    'remedy', format('alter system set pg_stat_statements.max = %s; -- needs a restart', wanted.size),
    'text', format('pg_stat_statements.max is %s; %s distinct statements are known, %s were new within the hour%s. Set it to %s (needs a restart).', room.size, seen.statements, seen.new_ones,
      coalesce(', most of them (' || maker.statements || ') by ' || maker.role || ': a client that writes values into its texts makes each one new', ''), wanted.size)))
  from room cross join seen cross join wanted left join maker on true
$$;
comment on function _wedding_dbopt.suspect_room(timestamptz) is
  'The setting pg_stat_statements.max with the value that would do, and the role that brought most new statements within the hour.';
