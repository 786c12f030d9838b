begin;
select plan(16);
select is_empty($$select from wedding_dbopt.get_collection_stats('1 hour', '2001-06-01Z')$$, 'nothing was collected');

-- A pass each minute from 00:00 to 02:00; missing are 00:11 .. 00:13, 00:30, and 01:00 .. 01:19; 01:40 was cut short.
insert into _wedding_dbopt.collect_log (at, source, duration_ms)
select at, 'pass', 20 from generate_series(timestamptz '2001-06-02 00:00Z', '2001-06-02 02:00Z', '1 minute') as at
where at not between '2001-06-02 00:11Z' and '2001-06-02 00:13Z' and at <> '2001-06-02 00:30Z'
  and at not between '2001-06-02 01:00Z' and '2001-06-02 01:19Z' and at not between '2001-06-02 01:40Z' and '2001-06-02 01:41Z';
insert into _wedding_dbopt.collect_log (at, source, duration_ms, reason) values
  ('2001-06-02 01:40Z', 'pass', 60, 'the pass was cancelled in the source locks'),
  ('2001-06-02 01:41Z', 'pass', null, 'skipped'),
  ('2001-06-02 01:50Z', 'locks', 1, 'permission denied'),
  ('2001-06-02 01:51Z', 'locks', 2, null);
insert into _wedding_dbopt.collect_log (at, source, duration_ms) values ('2001-06-02 01:59Z', 'sessions', 10);

select results_eq($$select gap_start, gap_end, missed from _wedding_dbopt.gaps('2001-06-02 00:00Z', '2001-06-02 02:00Z')$$,
  $$values (timestamptz '2001-06-02 00:10Z', timestamptz '2001-06-02 00:14Z', 3),
           ('2001-06-02 00:59Z', '2001-06-02 01:20Z', 20), ('2001-06-02 01:39Z', '2001-06-02 01:42Z', 2)$$,
  'each gap with the passes missing in it; two minutes are none, and a pass that was cut short or skipped is missing');
select results_eq($$select gap_start, gap_end, missed from _wedding_dbopt.gaps('2001-06-02 00:12Z', '2001-06-02 00:20Z')$$,
  $$values (timestamptz '2001-06-02 00:10Z', timestamptz '2001-06-02 00:14Z', 3)$$, 'a gap that began before the window is whole');
select results_eq($$select gap_start, gap_end, missed from _wedding_dbopt.gaps('2001-06-02 01:50Z', '2001-06-02 02:30Z')$$,
  $$values (timestamptz '2001-06-02 02:00Z', timestamptz '2001-06-02 02:30Z', 29)$$, 'and one that goes on reaches to its end');
select is_empty($$select from _wedding_dbopt.gaps('2001-06-02 00:31Z', '2001-06-02 00:58Z')$$, 'none where none is');
select is_empty($$select from _wedding_dbopt.gaps('2000-01-01Z', '2000-01-02Z')$$, 'none before history begins');

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, own)
select v.queryid, oid, 1, true, '2001-06-02Z', v.own from pg_database, (values (1, false), (2, true)) as v(queryid, own) where datname = current_database();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
select '2001-06-02 01:30Z', '2001-06-02 01:29Z', true, array_agg(id order by queryid), '{10,1}', '{97980000,50000000}', '{1,1}'
from _wedding_dbopt.statement where first_seen = '2001-06-02Z';
select results_eq($$select collector_ms, statements_ms, round(share_percent, 6) from _wedding_dbopt.own_cost('2001-06-02 00:00Z', '2001-06-02 02:00Z')$$,
  $$values (94 * 20.0 + 60 + 10, 97980.0, round(100 * 1950.0 / (1950 + 97980), 6))$$,
  'our share: what collection took, not what its sleeping job shows in pg_stat_statements');
create temporary table stats as select row_number() over () as place, * from wedding_dbopt.get_collection_stats('2 hours', '2001-06-02 02:00Z');
select is((select source from stats where place = 1), 'pass', 'the pass comes first');
select results_eq($$select missed_passes, gaps, longest_gap from stats where source = 'pass'$$,
  $$values (25::bigint, 3::bigint, interval '21 minutes')$$, 'it tells the gaps');
select results_eq($$select runs, failures, max_duration, last_reason from stats where source = 'pass'$$,
  $$values (94::bigint, 2::bigint, 60.000, 'skipped'::text)$$, 'and its runs and failures');
select results_eq($$select runs, failures, last_failure, last_reason from stats where source = 'locks'$$,
  $$values (1::bigint, 1::bigint, timestamptz '2001-06-02 01:50Z', 'permission denied'::text)$$, 'each source has its own');
select ok((select share_percent between 1.8 and 2.0 from stats where source = 'pass'), 'and its share of the time of all statements');
select is((select array[severity, check_name] from wedding_dbopt.health('2001-06-02 02:00Z') where check_name = 'own_cost'), null,
  'two seconds in two hours are no finding');
insert into _wedding_dbopt.collect_log (at, source, duration_ms) values ('2001-06-02 01:59Z', 'pass', 60000);
select is((select finding from wedding_dbopt.health('2001-06-02 02:00Z') where check_name = 'own_cost'),
  'Collection took 1014 ms a minute in the last hour, 38.31 % of the time of all statements.', 'a minute in an hour is');
select is((_wedding_dbopt.system_resources('2001-06-02 02:00Z') ->> 'collector_share_percent'), '38.311', 'it is among the figures of the machine');
select throws_ok($$select wedding_dbopt.get_collection_stats('0 hours')$$, '22023', 'time_window must be positive', 'an empty window is refused');
select * from finish();
rollback;
