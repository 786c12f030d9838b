begin;
select plan(11);
delete from _wedding_dbopt.action;
insert into _wedding_dbopt.recommendation
  (fingerprint, kind, schema_name, table_name, sql, context, criticality, priority, confidence, stated_confidence, estimated_improvement, stated_improvement,
   proof, reason, created_at, updated_at, expires_at)
select 'tap ' || g, 'index_creation', 'public', 'tap', '{create}', 'booking', 'critical', 'high', 0.7, 0.8, 40, 80, 'hypothetical index', 'tap',
  '2001-06-01Z', '2001-06-01Z', '2001-07-01Z'
from generate_series(1, 40) g;
-- Estimated were 80 percent, measured 40: thirty kept, ten rolled back.
insert into _wedding_dbopt.action
  (recommendation_id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality,
   estimated_impact, measured_impact, verdict, judgement, created_at, applied_at)
select r.id, 'index_creation', case when row_number() over () <= 30 then 'kept' else 'rolled_back' end, 'public', 'tap', r.fingerprint, 'tap', '{create}', '{drop}',
  'none', 'booking', 'critical', 40, 40, case when row_number() over () <= 30 then 'kept: tap' else 'rolled_back: tap' end, '{}', '2001-06-01Z', '2001-06-01Z'
from _wedding_dbopt.recommendation r where r.fingerprint like 'tap %';
create temporary table result as select * from wedding_dbopt.get_calibration() where action_type = 'index_creation' and proof = 'hypothetical index';
select is(array[actions, kept], '{40,30}', 'past actions and those that were kept') from result;
select is(array[median_estimate, median_measured], '{80,40}', 'the estimate is the one stated before any correction') from result;
select is(array[median_ratio, ratio_spread], '{0.5,0}', 'half of it came true, always') from result;
select is(estimate_factor, 0.6, '(40 x 0.5 + 10 x 1) / 50') from result;
select is(kept_share, 0.75, 'three of four were kept') from result;
select is(confidence_factor, 0.95, '(30 + 10 x 0.8) / 50 beside the 0.8 stated') from result;
-- One bad estimate alone corrects little.
delete from _wedding_dbopt.action where description = 'tap' and object_name <> 'tap 1';
update _wedding_dbopt.action set measured_impact = 0 where description = 'tap';
select is(estimate_factor, 0.909, 'one action that gained nothing: (0 + 10) / 11') from wedding_dbopt.get_calibration() where proof = 'hypothetical index';
-- What a person undid says nothing of the estimate, and what is not judged neither.
update _wedding_dbopt.action set state = 'verifying' where description = 'tap';
select is(count(*), 0::bigint, 'what is still judged does not count') from wedding_dbopt.get_calibration() where proof = 'hypothetical index';
update _wedding_dbopt.action set state = 'rolled_back', verdict = 'undecided: tap' where description = 'tap';
select is(count(*), 0::bigint, 'what was undone before its verdict does not count') from wedding_dbopt.get_calibration() where proof = 'hypothetical index';
update _wedding_dbopt.action set state = 'rolled_back', verdict = 'rolled_back: tap', measured_impact = -500 where description = 'tap';
select is(median_ratio, -1.0, 'one wild figure is bounded') from wedding_dbopt.get_calibration() where proof = 'hypothetical index';
update _wedding_dbopt.recommendation set stated_improvement = 0 where fingerprint = 'tap 1';
select is(array[estimate_factor, median_ratio], '{1,NULL}', 'without an estimate there is nothing to correct') from wedding_dbopt.get_calibration() where proof = 'hypothetical index';
select * from finish();
rollback;
