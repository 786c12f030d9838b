begin;
select plan(25);
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

update _wedding_dbopt.setting set value = 'UTC' where name = 'time_zone';
update _wedding_dbopt.season set time_zone = 'Asia/Tokyo' where name = 'wedding' and region = 'default';
select is(array[pg_temp.season('2001-04-30 16:00Z') -> 'is_wedding_season', pg_temp.season('2001-04-30 14:59Z') -> 'is_wedding_season'], '{true,false}'::jsonb[],
  'a season may count its days in a time zone of its own');
select is((pg_temp.season('2001-04-15Z') ->> 'next_change')::timestamptz, timestamptz '2001-04-30 15:00Z', 'and begins with that zone''s midnight');

-- What history has taught.
select is(pg_temp.season('2001-07-14Z') #> '{multipliers,wedding,all}', '{"multiplier": 4.0, "low": null, "high": null, "prior": 4.0, "seasons_observed": 0, "days_observed": 0, "basis": "prior"}',
  'before it, the prior stands and says so');
insert into _wedding_dbopt.season_multiplier (season, context, multiplier, low, high, seasons_observed, days_observed, prior, fitted_at) values
  ('wedding', 'all', 2.504, 2.3, 2.8, 1, 184, 4, '2001-03-01Z'), ('wedding', 'payment', 6, 3, 12, 0, 20, 4, '2001-03-01Z'),
  ('wedding', 'booking', 5, 4, 6, 0, 3, 4, '2001-03-01Z');
select is(array[pg_temp.season('2001-07-14Z') ->> 'season_multiplier', pg_temp.season('2001-07-14Z') ->> 'multiplier_basis'], '{2.50,measured}', 'a season seen whole is measured');
select is(pg_temp.season('2001-07-14Z') #>> '{multipliers,wedding,payment,basis}', 'prior and measured', 'one that was seen in part leans on the prior');
select is(pg_temp.season('2001-07-14Z') #> '{multipliers,wedding,booking}', null, 'a few days teach nothing');
select is(array[_wedding_dbopt.season_factor('2001-04-10Z'), _wedding_dbopt.season_factor('2001-07-14Z')], '{2.50,1}', 'load off season is multiplied up to the season, load in season is there');
update _wedding_dbopt.season_multiplier set low = 1.5, high = 4 where context = 'all';
select is(pg_temp.season('2001-07-14Z') ->> 'multiplier_basis', 'prior and measured', 'a wide interval is not called measured');
delete from _wedding_dbopt.season_multiplier;

update _wedding_dbopt.setting set value = 'south' where name = 'region';
select is(array[pg_temp.season('2001-01-15Z') -> 'is_wedding_season', pg_temp.season('2001-07-15Z') -> 'is_wedding_season'], '{true,false}'::jsonb[],
  'in the south the wedding season is half a year apart');
select is(pg_temp.season('2001-01-15Z') -> 'is_proposal_season', 'true', 'proposals come with Christmas everywhere');
insert into _wedding_dbopt.season (name, region, first_day, last_day, prior_multiplier) values ('wedding', 'south', '10-01', '03-31', 3);
update _wedding_dbopt.setting set value = 'south' where name = 'region';
select is(array[pg_temp.season('2001-01-15Z') ->> 'season_multiplier', pg_temp.season('2001-07-15Z') ->> 'is_wedding_season'], '{3,false}',
  'a row of the region takes the place of the default one');
select is(pg_temp.season('2001-01-15Z') -> 'seasons', '["proposal", "wedding"]', 'the other default rows stay, and seasons may overlap');
update _wedding_dbopt.season set enabled = false where region = 'south';
select is(pg_temp.season('2001-01-15Z') -> 'seasons', '["proposal"]', 'a season that is not enabled does not count');
select * from finish();
rollback;
