begin;
select plan(22);

insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, state)
values ('rpc', 'tap', '2001-06-01Z', 'moderate', true, 'finished'), ('rpc', 'tap', '2001-06-02Z', 'moderate', false, 'queued');
create temporary table run as select min(id) as id, max(id) as last from _wedding_dbopt.tuning_run where requested_by = 'tap';
insert into _wedding_dbopt.action
  (run_id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality,
   estimated_impact, measured_impact, created_at, started_at, applied_at, finished_at)
select run.id, 'index_creation', v.state, 'public', 'tap', v.state, v.state, '{create}', '{drop}', 'none', v.context, 'critical', 40, v.measured,
  '2001-06-01Z', '2001-06-01 01:00Z', '2001-06-01 01:00Z', '2001-06-01 03:00Z'
from run, (values ('kept', 'booking', 50.0), ('rolled_back', 'payment', -20.0)) as v(state, context, measured);
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality)
select v.queryid, oid, 1, true, '2001-06-01Z', v.context, v.criticality
from pg_database, (values (1, 'booking', 'critical'), (2, 'timeline', 'medium'), (3, 'payment', 'critical')) as v(queryid, context, criticality)
where datname = current_database();
-- Kept: bookings halve (weight 4, 1000 ms), a written timeline gets 10 % slower (weight 1, 1000 ms). Undone: payments.
insert into _wedding_dbopt.verification
  (action_id, statement_id, role, judged_at, before_calls, before_ms, after_calls, after_ms, time_change, time_low, time_high, verdict)
select a.id, s.id, v.role, '2001-06-01 03:00Z', 100, 10, 100, 10 * (1 + v.change), v.change, v.change - 0.05, v.change + 0.05, 'tap'
from (values (1, 'kept', 'affected', -0.5), (2, 'kept', 'written', 0.1), (3, 'rolled_back', 'affected', 0.2)) as v(queryid, state, role, change)
join _wedding_dbopt.statement s on s.queryid = v.queryid and s.first_seen = '2001-06-01Z'
join _wedding_dbopt.action a on a.state = v.state and a.run_id = (select id from run);
insert into _wedding_dbopt.index_sample (at, previous_at, complete, relids, idx_scan, blks_hit, blks_read)
values ('2001-06-01 00:30Z', '2001-06-01 00:29Z', true, '{1}', '{1}', '{80}', '{20}'),
       ('2001-06-01 01:30Z', '2001-06-01 01:29Z', true, '{1}', '{1}', '{95}', '{5}');
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
select pass.at, pass.at - interval '1 minute', true, array[id], array[100], '{1}', '{1}'
from _wedding_dbopt.statement, (values (timestamptz '2001-06-01 00:30Z'), ('2001-06-01 01:30Z')) as pass(at)
where queryid = 1 and first_seen = '2001-06-01Z';
insert into _wedding_dbopt.connection_sample (at, active) values ('2001-06-01 00:30Z', 10), ('2001-06-01 01:30Z', 8);
insert into _wedding_dbopt.event (at, actor, subject, subject_id, to_state, reason)
select '2001-06-01Z', 'tap', 'tuning_run', id::text, 'queued', 'asked' from run;
insert into _wedding_dbopt.event (at, actor, subject, subject_id, to_state, reason)
select '2001-06-01Z', 'tap', 'action', max(id)::text, 'kept', 'judged' from _wedding_dbopt.action where run_id = (select id from run);

create temporary table result as select wedding_dbopt.get_tuning_run(id) as j from run;
select ok(j ?& '{actions_taken,performance_impact,wedding_season_optimizations,recommendations}', 'E61: an AutoTuningResult') from result;
select is(jsonb_array_length(j -> 'actions_taken'), 2, 'all actions are told') from result;
select ok(j #> '{actions_taken,0}' ?& '{action_type,description,sql_executed,estimated_impact,wedding_context,rollback_sql}', 'E63: a TuningAction') from result;
create temporary table impact as select j -> 'performance_impact' as p from result;
select is(p -> 'query_performance_improvement', '50.00', 'E75: the statements served take half the time') from impact;
select is(p #> '{wedding_specific_improvements,booking}', '50.00', 'per context: bookings') from impact;
select is(p #> '{wedding_specific_improvements,timeline}', '-10.00', 'per context: what got slower is told') from impact;
select is(p #> '{wedding_specific_improvements,payment}', 'null', 'what was undone does not count') from impact;
select is(p -> 'overall_score_improvement', '38.00', 'weighted by criticality: (4 x 50 - 10) / 5') from impact;
select is(p -> 'index_hit_ratio_improvement', '15.00', 'from 80 to 95 percent of index blocks cached') from impact;
select is(p -> 'connection_efficiency_improvement', '25.00', 'the same calls with 8 instead of 10 active connections') from impact;
select is(p #> '{evidence,query_performance_improvement}', '{"value": 50.00, "low": 45.00, "high": 55.00, "n": 100, "counted": "calls", "verdict": "improved"}'::jsonb,
  'with its number of calls, interval and verdict') from impact;
select is(p #>> '{evidence,overall_score_improvement,n}', '200', 'the score rests on both statements') from impact;
select is((p #>> '{evidence,overall_score_improvement,high}')::numeric - 38, 4.12, 'errors add up by their squares: 5 x sqrt(4^2 + 1) / 5') from impact;
select is(p #>> '{evidence,wedding_specific_improvements,timeline,verdict}', 'worse', 'a context has its verdict') from impact;
select is(p #>> '{evidence,index_hit_ratio_improvement,verdict}', 'too few data for an interval', 'one sample a side proves nothing, and it says so') from impact;
select is(p -> 'reasons', '{}', 'all measured, no excuse') from impact;
select is(j -> 'wedding_season_optimizations', '[]', 'nothing was bound to a season') from result;
select is(j ->> 'wedding_season_optimizations_reason', 'none: no statement works only in a season by what was observed, and no context surged or was under high load when the run began', 'and it says why') from result;
select is(jsonb_path_query_array(j, '$.events[*].subject'), '["tuning_run", "action"]', 'its events and those of its actions') from result;
select is((wedding_dbopt.get_tuning_run() -> 'run_id')::text, last::text, 'without an id the latest run') from run;
select is(wedding_dbopt.get_tuning_run() #> '{performance_impact,reasons,query_performance_improvement}' is not null, true,
  'nothing measured: a reason, not a figure');
select throws_ok('select wedding_dbopt.get_tuning_run(-1)', '22023', 'there is no tuning run -1', 'an unknown run is refused');
select * from finish();
rollback;
