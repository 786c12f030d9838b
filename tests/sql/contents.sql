begin;
select plan(2);
select is_empty($$
  select p.oid::regprocedure from pg_proc p
  where p.pronamespace in ('wedding_dbopt'::regnamespace, '_wedding_dbopt'::regnamespace)
    and obj_description(p.oid, 'pg_proc') is null
$$, 'every function and procedure has a comment');
select is_empty($$
  select p.oid::regprocedure from pg_proc p
  where p.pronamespace in ('wedding_dbopt'::regnamespace, '_wedding_dbopt'::regnamespace)
    and p.prokind = 'f' and p.prosqlbody is null
    and not exists (select from unnest(p.proconfig) c where c like 'search_path=%')
$$, 'every function pins its search_path or was parsed at creation');
select * from finish();
rollback;
