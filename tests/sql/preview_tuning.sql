begin;
select plan(8);
insert into _wedding_dbopt.recommendation
  (fingerprint, kind, object_kind, schema_name, table_name, object_name, sql, rollback_sql, locks, safety, risk, season, confidence,
   estimated_gain_ms, context, criticality, priority, reason, created_at, updated_at, expires_at)
select 'tap ' || v.name, v.kind, 'index', 'public', 'tap', v.name, array['create ' || v.name, 'then'], '{drop}', 'none', v.safety, v.risk, v.season,
  v.confidence, v.gain, 'booking', 'critical', 'high', 'because', '2001-06-01Z', '2001-06-01Z', '2101-07-01Z'
from (values
  ('sure', 'index_creation', 'auto', 'low', null, 0.9, 10), ('likely', 'index_creation', 'auto', 'medium', null, 0.6, 100),
  ('bold', 'index_creation', 'auto', 'high', null, 0.4, 1000), ('wedding', 'index_creation', 'auto', 'low', 'wedding', 0.9, 5),
  ('theirs', 'index_creation', 'consent', 'low', null, 0.9, 1), ('by hand', 'index_creation', 'manual', 'low', null, 1, 9999),
  ('asked', 'reindex', 'auto', 'low', null, 0.9, 2), ('no deed', 'partitioning', 'auto', 'low', null, 1, 9999))
  as v(name, kind, safety, risk, season, confidence, gain);
create function pg_temp.names(level text, season boolean) returns text language sql as $$
  select string_agg(substr(replace(p.object, '"', ''), 14) || ' ' || p.phase || ' ' || p.state, ', ' order by p.place) from wedding_dbopt.preview_tuning(level, season) p
$$;
select is(pg_temp.names('conservative', false), 'sure safe approved, asked safe proposed, theirs safe proposed', 'E60 E64: safe ones first, by gain; what needs consent waits');
select is(pg_temp.names('moderate', false), 'sure safe approved, asked safe proposed, theirs safe proposed, likely moderate approved', 'a higher level adds to the lower');
select is(pg_temp.names('aggressive', true), 'sure safe approved, asked safe proposed, theirs safe proposed, wedding season approved, likely moderate approved, bold aggressive approved', 'E64: safe, season, aggressive');
select is(sql, E'create sure;\nthen', 'T25: every statement') from wedding_dbopt.preview_tuning() where place = 1;
select wedding_dbopt.set_setting('mode.reindex', 'off'), wedding_dbopt.set_setting('consent_human_objects', 'on');
select is(pg_temp.names('conservative', false), 'sure safe approved, theirs safe approved', 'a mode takes a type out; consent given once for all');
create table public.tap (id integer);
select wedding_dbopt.set_table_mode('public.tap', 'recommend');
select is(pg_temp.names('aggressive', true), null, 'a table''s mode holds for all its actions');
select throws_ok($$select * from wedding_dbopt.preview_tuning('extreme')$$, '22023', null, 'an unknown level is refused');
select is(count(*), 0::bigint, 'E78: what only people may do is a recommendation, never an action') from _wedding_dbopt.planned_actions('aggressive', true) p
join _wedding_dbopt.recommendation r on r.id = p.recommendation_id where r.safety = 'manual';
select * from finish();
rollback;
