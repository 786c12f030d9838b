begin;
select plan(3);
select is_empty($$select need from wedding_dbopt.check_installation() where status = 'missing' and need <> 'jobs scheduled'$$, 'a full installation lacks nothing');
drop extension hypopg;
select results_eq($$select status, remedy from wedding_dbopt.check_installation() where need = 'extension hypopg'$$,
  $$values ('missing', 'CREATE EXTENSION hypopg;')$$, 'what is missing comes with the line that mends it');
select is_empty($$select need from wedding_dbopt.check_installation() where (status = 'missing') <> (remedy is not null)$$, 'a remedy for what is missing only');
select * from finish();
rollback;
