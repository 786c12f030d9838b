begin;
select plan(15);
create function pg_temp.season(at timestamptz) returns jsonb language sql as $$ select wedding_dbopt.get_season(at) $$;

select is(pg_temp.season('2001-07-14 12:00Z') - 'next_change' - 'multipliers', jsonb_build_object(
  'at', timestamptz '2001-07-14 12:00Z', 'time_zone', 'UTC', 'region', 'default', 'local_date', '2001-07-14',
  'seasons', '["wedding"]'::jsonb, 'is_wedding_season', true, 'is_proposal_season', false, 'season_multiplier', 4.0,
  'multiplier_basis', 'prior', 'surge_multiplier', 1, 'surge_context', null, 'tuning_interval', interval '4 hours'),
  'July is wedding season');
select is((pg_temp.season('2001-07-14Z') ->> 'next_change')::timestamptz, timestamptz '2001-11-01Z', 'it ends with October');
select is((pg_temp.season('2001-05-01 00:00Z') ->> 'is_wedding_season')::boolean, true, 'the first day belongs to it');
select is((pg_temp.season('2001-10-31 23:59Z') ->> 'is_wedding_season')::boolean, true, 'the last day belongs to it');
select is(pg_temp.season('2001-11-01 00:00Z') -> 'seasons', '["proposal"]', 'then comes the proposal season');
select is(array[pg_temp.season('2001-12-24Z') ->> 'surge_multiplier', pg_temp.season('2001-12-24Z') ->> 'surge_context',
  pg_temp.season('2001-12-24Z') ->> 'season_multiplier'], '{10,booking,1.0}', 'in which bookings may surge');
select is(pg_temp.season('2002-01-01Z') -> 'seasons', '["proposal"]', 'over the new year');
select is(pg_temp.season('2001-02-28 23:00Z') -> 'seasons', '["proposal"]', 'up to 28 February in an ordinary year');
select is(pg_temp.season('2001-03-01Z') -> 'seasons', '[]', 'but not to 1 March');
select is(pg_temp.season('2004-02-29 23:00Z') -> 'seasons', '["proposal"]', 'and to 29 February in a leap year');
select is(array[pg_temp.season('2001-04-01Z') ->> 'season_multiplier', pg_temp.season('2001-04-01Z') ->> 'tuning_interval',
  pg_temp.season('2001-04-01Z') ->> 'surge_multiplier'], '{1.0,12:00:00,1}', 'off season');

update _wedding_dbopt.setting set value = 'Asia/Tokyo' where name = 'time_zone';
select is(array[pg_temp.season('2001-04-30 16:00Z') ->> 'local_date', pg_temp.season('2001-04-30 16:00Z') ->> 'is_wedding_season'], '{2001-05-01,true}',
  'days are those of the configured time zone');

insert into _wedding_dbopt.season (name, region, first_day, last_day, prior_multiplier) values ('wedding', 'south', '10-01', '03-31', 3);
update _wedding_dbopt.setting set value = 'south' where name = 'region';
select is(array[pg_temp.season('2001-01-15Z') ->> 'season_multiplier', pg_temp.season('2001-07-15Z') ->> 'is_wedding_season'], '{3,false}',
  'a row of the region takes the place of the default one');
select is(pg_temp.season('2001-01-15Z') -> 'seasons', '["proposal", "wedding"]', 'the other default rows stay, and seasons may overlap');
update _wedding_dbopt.season set enabled = false where region = 'south';
select is(pg_temp.season('2001-01-15Z') -> 'seasons', '["proposal"]', 'a season that is not enabled does not count');
select * from finish();
rollback;
