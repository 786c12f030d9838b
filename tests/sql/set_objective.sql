begin;
select plan(8);
select is(wedding_dbopt.set_objective('payment', 15, 99.9) - 'success',
  '{"context": "payment", "latency_ms": 15, "target_percent": 99.9, "previous_ms": 20, "previous_percent": 99}', 'an objective is set');
select is((select objective_ms || ' ' || target_percent from wedding_dbopt.get_error_budgets() where context = 'payment'), '15 99.9', 'and read');
select is((select origin from _wedding_dbopt.objective where context = 'payment'), 'user', 'the row is the user''s now, so a dump keeps it');
select is((select from_state || ' > ' || to_state from _wedding_dbopt.event where subject = 'objective' and subject_id = 'payment'), '20 ms, 99 % > 15 ms, 99.9 %', 'the event keeps both');
select throws_ok($$select wedding_dbopt.set_objective('other', 10)$$, '22023', 'unknown context ''other''', 'a context without objectives is refused');
select throws_ok($$select wedding_dbopt.set_objective('payment', 0)$$, '22023', 'latency_ms must be above 0 and at most 600000', 'no time is refused');
select throws_ok($$select wedding_dbopt.set_objective('payment', 10, 100)$$, '22023', 'target_percent must be between 50 and 99.999', 'a target without a budget is refused');
select throws_ok($$select wedding_dbopt.set_objective('payment', null)$$, '22023', 'latency_ms must be above 0 and at most 600000', 'nothing is refused');
select * from finish();
rollback;
