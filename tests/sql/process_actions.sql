-- The procedure commits, so these rows stay in the throw-away database.
select plan(12);
create table tap (id integer);
insert into _wedding_dbopt.action
  (action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality, created_at)
values ('index_creation', 'approved', 'public', 'tap', 'tap_index', 'an index', '{CREATE INDEX CONCURRENTLY tap_index ON public.tap (id)}',
        '{DROP INDEX CONCURRENTLY public.tap_index}', 'none', 'booking', 'critical', now());
call wedding_dbopt.process_actions();
select is((select state from _wedding_dbopt.action where object_name = 'tap_index'), 'verifying', 'what is approved is applied');
select has_index('public', 'tap', 'tap_index', 'the index is there');
select wedding_dbopt.rollback_action(id) from _wedding_dbopt.action where object_name = 'tap_index';
call wedding_dbopt.process_actions();
select is((select state from _wedding_dbopt.action where object_name = 'tap_index'), 'rolled_back', 'what is to be undone is undone');
select hasnt_index('public', 'tap', 'tap_index', 'the index is gone');

-- What somebody made meanwhile is not made again, nor offered.
create table wished (id integer, status varchar(10), name text);
insert into _wedding_dbopt.action
  (action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality, created_at)
select 'index_creation', state, 'public', 'wished', name, 'an index', array[format('CREATE INDEX CONCURRENTLY %I ON public.wished USING %s', name, body)],
       '{}', 'none', 'booking', 'critical', now()
from (values ('proposed', 'wish_a', 'btree (id, "status" DESC) INCLUDE (name)'), ('proposed', 'wish_b', $$btree (id) WHERE status = 'open' AND id > 5$$),
             ('proposed', 'wish_c', 'btree (lower(name))'), ('proposed', 'wish_d', 'btree (status)'), ('approved', 'wish_e', 'gin (to_tsvector(''english'', name))')) v (state, name, body);
select is(_wedding_dbopt.withdraw_equalled(), 0, 'nobody made any of them');
create index by_hand_a on wished (id, status desc) include (name) with (fillfactor = 90);
create index by_hand_b on wished (id) where status = 'open' and id > 5;
create unique index by_hand_c on wished (lower(name));
create index by_hand_d on wished (status desc);
create index by_hand_e on wished using gin (to_tsvector('english', name));
call wedding_dbopt.tick('2031-06-01 00:30Z');
select results_eq($$select object_name::text from _wedding_dbopt.action where table_name = 'wished' and state = 'withdrawn' order by 1$$,
  array['wish_a', 'wish_b', 'wish_c', 'wish_e'], 'an index is withdrawn when somebody made an equal one by hand, however he spelled it');
select is((select state from _wedding_dbopt.action where object_name = 'wish_d'), 'proposed', 'but not for one that differs');
select is((select e.reason from _wedding_dbopt.event e join _wedding_dbopt.action a on e.subject = 'action' and e.subject_id = a.id::text
           where a.object_name = 'wish_b' and e.to_state = 'withdrawn'), 'somebody made an equal index: by_hand_b', 'the reason names it');
drop table wished;
delete from _wedding_dbopt.action where table_name = 'wished';

-- What fails says so with its class alone.
create function pg_temp.failure_of(statement text) returns text[] language plpgsql as $$
declare state text; said text; hint text; context text; begin execute statement; exception when others then
  get stacked diagnostics state = returned_sqlstate, said = message_text, hint = pg_exception_hint, context = pg_exception_context;
  return array[state, said, hint, context]; end $$;
select is((pg_temp.failure_of('call wedding_dbopt.process_actions()'))[1], '2D000', 'inside a transaction it fails with its SQLSTATE');
select is((pg_temp.failure_of('call wedding_dbopt.process_actions()'))[2], 'A procedure that commits between its steps cannot run inside a transaction', 'in words');
select is((pg_temp.failure_of('call wedding_dbopt.process_actions()'))[3], 'Call it on its own: not between BEGIN and COMMIT, and not from a function.', 'with a hint');
select unalike((pg_temp.failure_of('call wedding_dbopt.process_actions()'))[4], '%Traceback%', 'and no traceback');
drop table tap;
delete from _wedding_dbopt.action where object_name = 'tap_index';
select * from finish();
