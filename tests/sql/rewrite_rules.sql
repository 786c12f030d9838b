begin;
select plan(11);

select set_eq($$ select distinct level from wedding_dbopt.rewrite_rules() $$, array['conservative', 'moderate', 'aggressive'], 'every level has rules');
select is((select sum(fired) from wedding_dbopt.rewrite_rules()), 0::numeric, 'nothing has fired yet');

create table public.wedding as select g as id, timestamp '2024-01-01' + g * interval '1 hour' as made from generate_series(1, 20000) g;
create index on public.wedding (made);
analyze public.wedding;
select isnt(wedding_dbopt.analyze_query('select id from public.wedding where date(made) = ''2025-01-02''') ->> 'optimized_query',
  'select id from public.wedding where date(made) = ''2025-01-02''', 'a rule fires');
select results_eq(
  $$ select name, fired, mean_gain > 50, last_fired > now() - interval '1 minute' from wedding_dbopt.rewrite_rules() where fired > 0 $$,
  $$ values ('date_of_timestamp_to_range', 1::bigint, true, true) $$, 'it is counted with what it gained');

select throws_ok($$ select _wedding_dbopt.note_rules(array['a'], 1e308, 'forged') $$, '22023', null, 'a share that would break every mean is refused');
select throws_ok($$ select _wedding_dbopt.note_rules(array['a'], 'NaN', 'forged') $$, '22023', null, 'and one that is no number');
select throws_ok($$ select _wedding_dbopt.note_rules(array['a', null], null, 'forged') $$, '22023', null, 'and none');
select throws_ok($$ select _wedding_dbopt.note_rules(array_fill('a'::text, array[101]), 1, 'forged') $$, '22023', null, 'more rules than there are are refused');
select throws_ok($$ select _wedding_dbopt.note_rules(array['a'], 1, repeat('x', 1000000)) $$, '22023', null, 'and long texts');
select lives_ok($$ select _wedding_dbopt.forget_rule_use(now() + interval '10 years') $$, 'old counts are forgotten');
select is((select sum(fired) from wedding_dbopt.rewrite_rules()), 0::numeric, 'all of them');
select * from finish();
rollback;
