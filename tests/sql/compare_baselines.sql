begin;
select plan(33);

-- Two days. -1 gets 20 % slower, -2 stays but for noise, -3 is new, -4 vanishes, -5 reads twice the blocks, -6 runs in one hour only.
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality)
select -g, oid, 10, true, '2001-03-01Z', case g when 2 then 'payment' when 3 then 'other' else 'booking' end, 'critical'
from pg_database, generate_series(1, 6) g where datname = current_database();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, hit, read)
select at, at - interval '10 minutes', true, array_agg(s.id order by s.id), array_agg(100 order by s.id),
       array_agg((1000000 * shape.factor * (1 + 0.02 * sin(extract(epoch from at) / 1000 * -s.queryid)))::bigint order by s.id),
       array_agg(10000 * shape.factor ^ 2 * 1.01 order by s.id), array_agg(shape.hit order by s.id), array_agg(0 order by s.id)
from generate_series(timestamptz '2001-03-19 00:10Z', '2001-03-21 00:00Z', '10 minutes') as at
cross join lateral (select at > '2001-03-20Z' as later, extract(hour from at - interval '1 minute') as hour) as time
join _wedding_dbopt.statement s on s.first_seen = '2001-03-01Z'
  and case s.queryid when -3 then later when -4 then not later when -6 then hour = 5 else true end
cross join lateral (select case when s.queryid = -1 and later then 1.2 else 1 end as factor, case when s.queryid = -5 and later then 1000 else 500 end as hit) as shape
group by at;
create table public.tap_drift (id integer primary key, old text);
create table public.tap_gone (id integer);
create function public.tap_drift() returns integer language sql return 1;
select wedding_dbopt.create_baseline('tap before', null, '24 hours', '2001-03-20Z') \g /dev/null
alter table public.tap_drift drop column old, add column new text not null default 'x';
create index tap_drift_new on public.tap_drift (new);
drop table public.tap_gone;
create or replace function public.tap_drift() returns integer language sql return 2;
grant select on public.tap_drift to pg_monitor;
update _wedding_dbopt.setting set value = '48 hours' where name = 'raw_retention';
select wedding_dbopt.create_baseline('tap after', null, '24 hours', '2001-03-21Z') \g /dev/null

create temporary table result as select wedding_dbopt.compare_baselines('tap before', 'tap after') as j;
create temporary table stat as select value ->> 'queryid' as id, value as s from result, jsonb_array_elements(j -> 'statements') with ordinality;
select is(j #>> '{before,name}', 'tap before', 'one side') from result;
select is(j #>> '{after,name}', 'tap after', 'the other') from result;
set local timezone = 'Europe/Berlin';
select is((wedding_dbopt.compare_baselines('tap before', at => '2001-03-25 10:00Z') #>> '{after,since}')::timestamptz, '2001-03-24 10:00Z'::timestamptz,
  'the present is as long as the other side, also over a day of 23 hours');
reset timezone;
select is(s ->> 'verdict', 'slower', 'a planted slowdown of 20 % is found') from stat where id = '-1';
select cmp_ok(abs((s ->> 'mean_ms_change_percent')::numeric - 20), '<', 1.0, 'with its size') from stat where id = '-1';
select cmp_ok((s ->> 'mean_ms_margin_percent')::numeric, '<', 2.0, 'and a margin') from stat where id = '-1';
select is(s -> 'mean_ms_significant', 'true', 'it is significant') from stat where id = '-1';
select is(s ->> 'verdict', 'same', 'noise is not') from stat where id = '-2';
select is(s -> 'calls_significant', 'false', 'nor are equal calls') from stat where id = '-2';
select is(s -> 'calls_change_percent', '0.00', 'calls per hour did not change') from stat where id = '-2';
select is(s ->> 'verdict', 'new', 'a new statement') from stat where id = '-3';
select is(s ->> 'verdict', 'vanished', 'a statement that vanished') from stat where id = '-4';
select is(array[s ->> 'blocks_per_call_before', s ->> 'blocks_per_call_after', s ->> 'blocks_change_percent', s ->> 'blocks_significant'],
  '{5.00,10.00,100.00,true}', 'twice the blocks per call') from stat where id = '-5';
select is(array[s ->> 'verdict', s ->> 'reason'], array['unknown', 'the calls lie too close together to tell how much they vary'],
  'calls of a single hour prove nothing') from stat where id = '-6';
select is(s ->> 'cache_hit_percent_after', '100.00', 'cache hits') from stat where id = '-1';
select is((select array_agg(value ->> 'queryid' order by place) from result, jsonb_array_elements(j -> 'statements') with ordinality as e(value, place) where place <= 3)::text,
  '{-3,-4,-1}', 'the largest change in time comes first');
select is((j -> 'summary') - '{false_discovery_rate,min_change_percent,drift}'::text[],
  '{"statements": 6, "compared": 3, "slower": 1, "faster": 0, "new": 1, "vanished": 1}', 'the sums') from result;
select is(jsonb_array_length(j -> 'contexts'), 4, 'contexts and all together') from result;
select is((select string_agg(format('%s %s %s', d ->> 'change', d ->> 'kind', d ->> 'name'), '; ' order by d ->> 'kind', d ->> 'name')
           from result, jsonb_array_elements(j -> 'drift') d),
  'added column public.tap_drift.new; dropped column public.tap_drift.old; dropped column public.tap_gone.id; changed function public.tap_drift(); '
  || 'added index public.tap_drift_new; added privileges public.tap_drift; dropped table public.tap_gone', 'the drift of the catalogue');
select is((select d -> 'after' from result, jsonb_array_elements(j -> 'drift') d where d ->> 'name' = 'public.tap_drift.new')::text,
  to_jsonb('text not null default ''x''::text'::text)::text, 'with definitions');
select is(j -> 'settings', '[{"name": "wedding_dbopt: raw_retention", "change": "changed", "before": "24 hours", "after": "48 hours"}]', 'the changed setting') from result;
select ok(j -> 'tables' @> '[{"name": "public.tap_gone", "change": "dropped"}]' and j -> 'indexes' @> '[{"name": "public.tap_drift_new", "change": "added"}]',
  'tables and indexes') from result;

create temporary table now as select wedding_dbopt.compare_baselines('tap before', at => '2001-03-21Z') as j;
select is(now.j -> 'statements', result.j -> 'statements', 'the present is compared as the baseline of the present is') from now, result;
select is(now.j -> 'drift', result.j -> 'drift', 'and its catalogue') from now, result;
select is(now.j #>> '{after,name}', 'now', 'it is called now') from now;
select is((now.j #>> '{after,overlap_percent}')::numeric || ' ' || (wedding_dbopt.compare_baselines('tap before', at => '2001-03-20 06:00Z') #>> '{after,overlap_percent}')::numeric,
  '0.0 75.0', 'how much of the window after was in the one before') from now;
select is(jsonb_array_length(wedding_dbopt.compare_baselines('tap before', 'tap after', 2) -> 'statements'), 2, 'as many statements as asked for');
select is(wedding_dbopt.compare_baselines('tap before', 'tap before') - '{before,after,summary,contexts,statements}'::text[],
  '{"settings": [], "drift": [], "tables": [], "indexes": [], "server": {}}', 'nothing differs from itself');
select is(wedding_dbopt.compare_baselines('tap before', 'tap before') #> '{summary,slower}', '0', 'and is not slower');
select throws_ok($$select wedding_dbopt.compare_baselines('tap none')$$, '22023', 'there is no baseline ''tap none''', 'an unknown name is refused');
select is(wedding_dbopt.compare_baselines() #>> '{before,name}', 'tap after', 'without a name the latest one is compared');
select matches(_wedding_dbopt.settings_now() #>> '{max_stack_depth,value}', '^\d+ kB$', 'a setting has its unit');
delete from _wedding_dbopt.baseline;
select is(wedding_dbopt.compare_baselines(), null, 'null when there is none');
select * from finish();
rollback;
