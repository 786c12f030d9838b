begin;
select plan(4);
insert into _wedding_dbopt.recommendation
  (fingerprint, kind, schema_name, table_name, columns, sql, rollback_sql, estimated_improvement, context, criticality, priority, reason,
   status, created_at, updated_at, expires_at)
select 'tap-' || v.status || v.gain, 'index', 'public', 'tap', '{a}', '{create}', '{drop}', v.gain, 'booking', 'critical', 'high', 'because',
  v.status, '2001-06-01Z', '2001-06-01Z', '2001-07-01Z'
from (values ('open', 10), ('open', 65), ('taken', 45)) as v(status, gain);
select is((select array_agg(estimated_improvement) from wedding_dbopt.get_recommendations() where table_name = 'tap'), '{65,10}',
  'open ones, greatest improvement first');
select is((select count(*) from wedding_dbopt.get_recommendations(null) where table_name = 'tap'), 3::bigint, 'null means all');
select is((select implementation_sql from wedding_dbopt.get_recommendations('taken') where table_name = 'tap'), 'create', 'the SQL is there');
select throws_ok($$select * from wedding_dbopt.get_recommendations('shut')$$, '22023', 'unknown status ''shut''', 'an unknown status is refused');
select * from finish();
rollback;
