begin;
select plan(7);
insert into _wedding_dbopt.alert (key, kind, severity, context, object, opened_at, updated_at, resolved_at, value, peak, threshold, message, suspect) values
  ('cpu:machine', 'cpu', 'warning', null, 'machine', '2001-05-01 10:00Z', '2001-05-01 10:05Z', null, 95, 99, 90, 'busy', '[]'),
  ('objective_breach:booking', 'objective_breach', 'critical', 'booking', 'booking', '2001-05-01 09:00Z', '2001-05-01 10:05Z', null, 20, 20, 14.4, 'slow', '[{"type": "surge"}]'),
  ('connections:server', 'connections', 'critical', null, 'server', '2001-04-01Z', '2001-04-01Z', '2001-04-02Z', 99, 99, 95, 'full', '[]');
select results_eq($$select kind, severity, state, title, unit, suspect #>> '{0,type}' from wedding_dbopt.get_alerts()$$,
  $$values ('objective_breach', 'critical', 'open', 'Calls miss the objective now', 'times the budget', 'surge'), ('cpu', 'warning', 'open', 'The processors are saturated', '%', null)$$,
  'the open ones, the worst first');
select results_eq($$select kind from wedding_dbopt.get_alerts('resolved')$$, $$values ('connections')$$, 'the resolved ones');
select is((select count(*) from wedding_dbopt.get_alerts('all', '2001-04-15Z')), 2::bigint, 'since leaves out what was over before');
select is((select count(*) from wedding_dbopt.get_alerts('all', null, 'cpu')), 1::bigint, 'by kind');
select throws_ok($$select * from wedding_dbopt.get_alerts('closed')$$, '22023', 'unknown state ''closed''', 'an unknown state is refused');
select throws_ok($$select * from wedding_dbopt.get_alerts('all', null, 'noise')$$, '22023', 'unknown kind ''noise''', 'an unknown kind is refused');
select throws_ok($$select * from wedding_dbopt.get_alerts(limit_count => 0)$$, '22023', 'limit_count must be positive', 'no rows are not asked for');
select * from finish();
rollback;
