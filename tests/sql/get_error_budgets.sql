-- Budgets and burn rates from hours and passes.
begin;
select plan(13);
insert into _wedding_dbopt.context_hour (hour, context, calls, exec_ms, exec_sq, rows, hit, read, above, above_low, above_high)
select h, 'booking', 10000, 100000, 2000000, 0, 0, 0, 20, 10, 40 from generate_series(timestamptz '2001-05-01 00:00Z', '2001-05-07 23:00Z', '1 hour') h;
insert into _wedding_dbopt.rolled_hour (hour, passes, observed_s, complete)
select h, 60, 3600, true from generate_series(timestamptz '2001-05-01 00:00Z', '2001-05-07 23:00Z', '1 hour') h;
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
select m, m - interval '1 minute', true, '{}', '{}', '{}', '{}' from generate_series(timestamptz '2001-05-08 00:01Z', '2001-05-08 01:00Z', '1 minute') m;
insert into _wedding_dbopt.context_sample (at, previous_at, context, calls, exec_ms, exec_sq, rows, hit, read, above, above_low, above_high)
select m, m - interval '1 minute', 'booking', 200, 2000, 40000, 0, 0, 0, 10, 5, 20 from generate_series(timestamptz '2001-05-08 00:01Z', '2001-05-08 01:00Z', '1 minute') m;
create temporary table budget as select * from wedding_dbopt.get_error_budgets('30 days', '2001-05-08 01:00Z');
select is((select count(*) from budget), 5::bigint, 'each objective has a row');
-- 168 hours of 10,000 and one of 12,000 calls; slow: 168 x 20 + 60 x 10.
select is(calls, 1692000::bigint, 'calls of hours and passes') from budget where context = 'booking';
select is(budget_calls || ' ' || spent_calls || ' ' || spent_low || ' ' || spent_high, '16920.00 3960.00 1980 7920', 'one in a hundred may be slow') from budget where context = 'booking';
select is(left_calls || ' ' || left_percent || ' ' || left_percent_low || ' ' || left_percent_high, '12960.00 76.60 53.19 88.30', 'what is left, with its bounds') from budget where context = 'booking';
select is(attainment_percent || ' ' || attainment_low || ' ' || attainment_high, '99.7660 99.5319 99.8830', 'attainment, with its bounds') from budget where context = 'booking';
select is(burn_5m || ' ' || burn_1h, '5.00 5.00', '5 % slow where 1 % may be burns five times as fast') from budget where context = 'booking';
-- 6 h: five hours of 20 in 10,000 (19:00 to 24:00) and the passes; 3 d: 71 hours and the passes.
select is(burn_6h || ' ' || burn_3d, round((5 * 20 + 600) / (62000 * 0.01), 2) || ' ' || round((71 * 20 + 600) / (722000 * 0.01), 2), 'slow windows count whole hours and the open one') from budget where context = 'booking';
-- 600 an hour are slow, of which the traffic itself allows 120.
select is(gone_in, interval '27 hours', 'and the rest is gone in 27 hours') from budget where context = 'booking';
select is(state, 'within budget', 'which nobody needs to be woken for') from budget where context = 'booking';
select is(state || ' ' || (attainment_percent is null), 'no calls true', 'nothing is known of a context without calls') from budget where context = 'payment';
-- 3480 slow calls where 3384 were allowed; the last hour burns five times, six hours 1.8 times and three days 1.1 times as fast as they may.
update _wedding_dbopt.context_sample set above = 2 where at > '2001-05-08Z' and at <= '2001-05-08 01:00Z';
update _wedding_dbopt.objective set success_target = 0.998 where context = 'booking';
select is(state || ' ' || gone_in, 'spent 00:00:00', 'a budget that is gone is spent, however slowly more of it burns') from wedding_dbopt.get_error_budgets('30 days', '2001-05-08 01:00Z') where context = 'booking';
-- A new installation: one minute is seen, not the hour that it lies in.
delete from _wedding_dbopt.context_hour; delete from _wedding_dbopt.context_sample where at <> '2001-05-08 00:31Z'; delete from _wedding_dbopt.statement_sample where at <> '2001-05-08 00:31Z';
select is(observed, interval '5 minutes', 'observed counts from the first pass') from wedding_dbopt.get_error_budgets('30 days', '2001-05-08 00:35Z') where context = 'booking';
select throws_ok($$select * from wedding_dbopt.get_error_budgets('1 minute')$$, '22023', null, 'a period of a minute is no budget');
select * from finish();
rollback;
