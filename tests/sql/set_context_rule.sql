begin;
select plan(20);
select is(wedding_dbopt.set_context_rule('  Buchungen ', 'booking', 'critical') #- '{rule,enabled}',
  '{"success": true, "previous": null, "rule": {"part": "name", "origin": "user", "weight": 10, "context": "booking", "pattern": "buchungen", "criticality": "critical"}}',
  'a rule is added, in lower case');
select is(wedding_dbopt.set_context_rule('guests', 'guest_management', 'critical') #>> '{previous,criticality}', 'medium',
  'an installed rule is changed, and the answer keeps what it was');
select is((select array_agg(criticality || ' ' || origin) from wedding_dbopt.get_context_rules() where part = 'name' and pattern = 'guests'),
  '{critical user}', 'it is a user''s rule then, and the only one of its name');
select is(wedding_dbopt.set_context_rule('guests', 'guest_management', 'low', weight => 30) #>> '{rule,criticality}', 'low', 'a user''s rule is changed');
select is((select to_state::jsonb ->> 'weight' from _wedding_dbopt.event where subject = 'context_rule' order by id desc limit 1), '30', 'an event tells of it');
select lives_ok(format('select wedding_dbopt.set_context_rule(%L, ''payment'', part => %L)', pattern, part), format('%s %s is a pattern', part, pattern))
from (values ('statement', '-6905912886545623391'), ('table', 'crm.*'), ('function', 'public.settle_*'), ('tag', 'route=/api/bookings*'), ('schema', 'buchhaltung'), ('column', 'anzahlung')) as v (part, pattern);
select throws_ok(format('select wedding_dbopt.set_context_rule(%s)', arguments), '22023', null, description)
from (values ('null, ''booking''', 'no pattern'), ('''%'', ''booking''', 'no word in it'), ('''a.b'', ''booking''', 'a schema needs part table or function'),
  ('''x'', ''party''', 'an unknown context'), ('''x'', ''booking'', ''urgent''', 'an unknown criticality'), ('''x''', 'neither of both'),
  ('''x'', ''booking'', part => ''index''', 'an unknown part'), ('''x'', ''booking'', weight => 0', 'a weight of nothing'),
  ('''select 1'', ''booking'', part => ''statement''', 'a text in place of an id')) as v (arguments, description);
select * from finish();
rollback;
