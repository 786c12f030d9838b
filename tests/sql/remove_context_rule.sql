begin;
select plan(6);
select wedding_dbopt.set_context_rule('buchungen', 'booking') \gset
select is(wedding_dbopt.remove_context_rule('BUCHUNGEN') #>> '{previous,context}', 'booking', 'a user''s rule is removed');
select is_empty($$select from wedding_dbopt.get_context_rules() where pattern = 'buchungen'$$, 'and gone');
select is(wedding_dbopt.remove_context_rule('auth', 'schema') ->> 'disabled', 'true', 'an installed rule is switched off');
select is((select array[enabled::text, origin] from wedding_dbopt.get_context_rules() where part = 'schema' and pattern = 'auth'), '{false,user}',
  'and stays so after a dump');
select is((select from_state::jsonb ->> 'pattern' from _wedding_dbopt.event where subject = 'context_rule' order by id desc limit 1), 'auth', 'an event tells of it');
select throws_ok($$select wedding_dbopt.remove_context_rule('auth')$$, '22023', 'There is no rule for the name ''auth''', 'what is not there is refused');
select * from finish();
rollback;
