begin;
select plan(5);
select wedding_dbopt.declare_freeze('gala', '2001-07-10 08:00Z', '2001-07-12 20:00Z');
select is(wedding_dbopt.remove_freeze('gala') #>> '{previous,name}', 'gala', 'a span is removed');
select is((select count(*)::integer from _wedding_dbopt.freeze f where f.name = 'gala'), 0, 'and gone');
select is(wedding_dbopt.remove_freeze('saturdays') #>> '{previous,enabled}', 'true', 'the installed Saturdays are removed');
select is((select (f.enabled, f.origin)::text from _wedding_dbopt.freeze f where f.name = 'saturdays'), '(f,user)',
  'by switching them off, so that a restore keeps them off');
select throws_ok($$ select wedding_dbopt.remove_freeze('x') $$, '22023');
select * from finish();
rollback;
