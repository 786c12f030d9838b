begin;
select plan(12);
select is(wedding_dbopt.declare_freeze('gala', '2001-07-10 08:00Z', '2001-07-12 20:00Z', reason => 'the gala') #>> '{freeze,reason}', 'the gala', 'a span is declared');
select is(wedding_dbopt.declare_freeze('gala', weekday => 3, season => 'wedding') #>> '{previous,ends_at}', to_jsonb(timestamptz '2001-07-12 20:00Z') #>> '{}',
  'and replaced by a weekday of a season');
select is((select (f.weekday, f.season, f.starts_at, f.origin)::text from _wedding_dbopt.freeze f where f.name = 'gala'), '(3,wedding,,user)', 'of which nothing is left');
select is((select count(*)::integer from _wedding_dbopt.event e where e.subject = 'freeze' and e.subject_id = 'gala'), 2, 'each change is an event');
select throws_ok($$ select wedding_dbopt.declare_freeze('x', weekday => 8) $$, '22023');
select throws_ok($$ select wedding_dbopt.declare_freeze('x', '2001-07-12Z', '2001-07-11Z') $$, '22023');
select throws_ok($$ select wedding_dbopt.declare_freeze('x', '2001-07-12Z', 'infinity') $$, '22023');
select throws_ok($$ select wedding_dbopt.declare_freeze('x', '2001-07-12Z', '2001-07-13Z', 3) $$, '22023');
select throws_ok($$ select wedding_dbopt.declare_freeze('x', weekday => 3, season => 'monsoon') $$, '22023');
select throws_ok($$ select wedding_dbopt.declare_freeze('x', '4713-01-01Z BC', '294276-01-01Z') $$, '22023');
select throws_ok($$ select wedding_dbopt.declare_freeze('x', weekday => 3, reason => repeat('x', 1000000)) $$, '22023');
select throws_ok($$ select wedding_dbopt.declare_freeze(' ', weekday => 3) $$, '22023');
select * from finish();
rollback;
