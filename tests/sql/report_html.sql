begin;
select plan(15);

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality)
select v.queryid, oid, 1, true, '2001-06-01Z', v.context, 'critical'
from pg_database, (values (1, 'booking'), (2, 'payment')) as v(queryid, context) where datname = current_database();
select _wedding_dbopt.store_texts(array_agg(id), array_agg('select ''<script>alert("tap")</script>'' from tap'::text))
from _wedding_dbopt.statement where first_seen = '2001-06-01Z' and queryid = 1 \g /dev/null
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
select pass.at, pass.at - interval '1 minute', true, id, '{10,10}',
  case when pass.at > '2001-06-02 12:00Z' then '{100000,400000}'::bigint[] else '{800000,400000}' end, '{1,1}'
from (select array_agg(id order by queryid) as id from _wedding_dbopt.statement where first_seen = '2001-06-01Z') as ids,
     generate_series(timestamptz '2001-06-02 11:01Z', '2001-06-02 13:00Z', '1 minute') as pass(at);
select _wedding_dbopt.store_contexts('2001-06-02Z', '2001-06-03Z') \gset
insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode) values ('rpc', 'tap', '2001-06-02Z', 'moderate', false);
insert into _wedding_dbopt.action
  (run_id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality,
   estimated_impact, measured_impact, created_at, started_at, applied_at)
select id, 'index_creation', 'kept', 'public', 'tap', 'tap', 'Index <b>tap</b>', '{create index tap}', '{drop index tap}', 'none', 'booking', 'critical',
  91.5, 87.25, '2001-06-02 11:59Z', '2001-06-02 12:00Z', '2001-06-02 12:00Z'
from _wedding_dbopt.tuning_run where requested_by = 'tap';

insert into _wedding_dbopt.alert (key, kind, severity, opened_at, updated_at, resolved_at, value, peak, threshold, message, suspect) values
  ('cpu:tap', 'cpu', 'critical', '2001-06-02 11:55Z', '2001-06-02 12:00Z', '2001-06-02 12:03Z', 95, 95, 90, 'tap <b>busy</b>', '[{"text": "tap <i>backup</i>"}]');
create temporary table page as
  select wedding_dbopt.report_html('2001-06-02 11:00Z', '2001-06-02 13:00Z', 'Tap & "friends"') as html;
select ok(html like '<!doctype html>%</html>', 'a whole page') from page;
select ok(html like '%<title>Tap &amp; &quot;friends&quot;</title>%', 'the title is escaped') from page;
select ok(html not like '%<script%', 'nothing from a statement becomes markup') from page;
select ok(html like '%select &#39;&lt;script&gt;alert(&quot;tap&quot;)&lt;/script&gt;&#39; from tap%', 'its text is shown') from page;
select ok(html like '%Index &lt;b&gt;tap&lt;/b&gt;%', 'a description is escaped') from page;
select ok(html like '%tap &lt;b&gt;busy%' and html like '%tap &lt;i&gt;backup%', 'an alert and its suspect are shown, escaped') from page;
select ok(html !~ '(src|href)=|url\(|https?:', 'no network is needed') from page;
select is((select count(*) from page, regexp_matches(html, '<svg', 'g')), (select count(*) from page, regexp_matches(html, '</svg>', 'g')),
  'every chart is closed');
select ok(html like '%<td class="num">80</td><td class="num">600</td><td class="num"><b>10</b></td><td class="num">-87.5 %</td>%',
  'bookings before, after and the change') from page;
select ok(html like '%drop index tap%', 'the SQL that undoes a change') from page;
select ok(html like '%<td class="num">91.5</td><td class="num"><b>87.3</b></td>%', 'estimated and measured gain') from page;
select ok(html like '%class="objective"%' and html like '%class="mark"%', 'objective lines and marks of changes') from page;
select is((select xmlparse(document replace(replace(replace(replace(substr(html, 16), '<meta charset="utf-8">', ''),
    '<meta name="viewport" content="width=device-width, initial-scale=1">', ''), '<br>', ''), '&ndash;', '-')) is document from page), true,
  'well-formed markup');
select ok(wedding_dbopt.report_html('2001-01-01Z', '2001-01-02Z') like '%No data in this window%', 'an empty window is a page too');
select throws_ok($$select wedding_dbopt.report_html('2001-01-02Z', '2001-01-01Z')$$, '22023', 'since must be before until', 'time runs forward');
select * from finish();
rollback;
