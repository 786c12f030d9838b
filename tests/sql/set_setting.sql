begin;
select plan(11);
select is(wedding_dbopt.set_setting('verification_min_calls', '77') - 'previous',
  '{"success": true, "name": "verification_min_calls", "value": "77"}', 'a setting is changed');
select is((select value from wedding_dbopt.get_settings() where name = 'verification_min_calls'), '77', 'and read');
select is((select array[from_state, to_state] from _wedding_dbopt.event where subject = 'setting' order by id desc limit 1),
  '{50,77}', 'the event keeps both values');
select throws_ok($$select wedding_dbopt.set_setting('no such', '1')$$, '22023', null, 'an unknown setting is refused');
select throws_ok($$select wedding_dbopt.set_setting('lock_timeout', null)$$, '22023', null, 'no value is refused');
select throws_ok($$select wedding_dbopt.set_setting('lock_timeout', '-1 s')$$, '22023', null, 'a negative time is refused');
select throws_ok($$select wedding_dbopt.set_setting('measure_row_limit', '2 days')$$, '22023', null, 'a time for a number of rows is refused');
select throws_ok($$select wedding_dbopt.set_setting('workload_window', '170000000 years')$$, '22023', null, 'a time beyond every calendar is refused');
select throws_ok($$select wedding_dbopt.set_setting('mode.index_creation', 'maybe')$$, '22023', null, 'a word outside the set is refused');
select throws_ok($$select wedding_dbopt.set_setting('index_judgement', 'taste')$$, '22023', null, 'a judgement that nobody knows is refused');
select lives_ok($$select wedding_dbopt.set_setting(s.name, s.value) from wedding_dbopt.get_settings() s$$, 'every default passes its own check');
select * from finish();
rollback;
