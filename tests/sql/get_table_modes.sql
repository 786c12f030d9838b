begin;
select plan(1);
create table public.tap (id integer);
select wedding_dbopt.set_table_mode('public.tap', 'recommend', 'reindex');
select results_eq('select * from wedding_dbopt.get_table_modes()', $$values ('public.tap', 'reindex', 'recommend')$$, 'what was set');
select * from finish();
rollback;
