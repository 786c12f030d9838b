begin;
select plan(3);
select wedding_dbopt.declare_freeze('gala', '2001-07-10 08:00Z', '2001-07-12 20:00Z', reason => 'the gala');
set transaction read only;
select results_eq(
  $$ select name, kind, in_force, next_from, next_until, reason from wedding_dbopt.get_freezes('2001-07-12 12:00Z') $$,
  $$ values ('gala', 'span', true, timestamptz '2001-07-10 08:00Z', timestamptz '2001-07-12 20:00Z', 'the gala'),
            ('saturdays', 'weekly', false, '2001-07-14Z', '2001-07-15Z', 'Six weddings of ten are on a Saturday') $$,
  'spans and weekdays, what is in force and what comes next');
select is((select f.next_from from wedding_dbopt.get_freezes('2001-11-01Z') f where f.name = 'saturdays'), timestamptz '2002-05-04Z', 'after the season: the first Saturday of the next');
select is((select f.next_from from wedding_dbopt.get_freezes('2001-11-01Z') f where f.name = 'gala'), null, 'a span that is over has no next time');
select * from finish();
rollback;
