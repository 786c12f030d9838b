begin;
select plan(4);
set transaction read only;
select cmp_ok((select count(*) from wedding_dbopt.get_context_rules() where origin = 'default' and enabled), '>=', 80::bigint, 'the installed rules are listed');
select results_eq($$select context, count(distinct criticality) >= 1 from wedding_dbopt.get_context_rules() where part = 'name' group by context order by context$$,
  $$values ('booking', true), ('guest_management', true), ('other', true), ('payment', true), ('timeline', true), ('vendor_search', true)$$, 'every context has some');
select is((select array_agg(distinct criticality order by criticality) from wedding_dbopt.get_context_rules()), '{critical,high,low,medium}', 'and every criticality');
select is((select distinct context from wedding_dbopt.get_context_rules() where part = 'schema' and pattern in ('auth', 'storage', 'realtime')), 'other',
  'the platform''s own schemas are no business');
select * from finish();
rollback;
