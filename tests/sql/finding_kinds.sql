begin;
select plan(3);
select is_empty($$
  select kind from wedding_dbopt.finding_kinds()
  group by kind having count(*) > 1
$$, 'no kind is named twice');
select set_eq(
  $$select p.proname::text from pg_proc p
    where p.pronamespace = '_wedding_dbopt'::regnamespace and p.prorettype = '_wedding_dbopt.finding'::regtype$$,
  $$select check_name from wedding_dbopt.finding_kinds()$$,
  'each check is registered, and each one registered is there');
select is_empty($$
  select known.kind from wedding_dbopt.finding_kinds() as known
  where known.check_name <> 'run_checks'
    and not exists (select from pg_proc p where p.pronamespace = '_wedding_dbopt'::regnamespace and p.proname = known.check_name
                      and strpos(p.prosrc, quote_literal(known.kind)) > 0)
$$, 'each kind is made by the check it is registered for');
select * from finish();
rollback;
