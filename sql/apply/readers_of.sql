create or replace function _wedding_dbopt.readers_of(tables text[], out owner text, out readers text[])
returns setof record
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with base as (
    select c.oid, c.relowner, c.relacl, c.relkind in ('r', 'p') and not c.relrowsecurity
      and not exists (select from pg_inherits h join pg_class p on p.oid = h.inhrelid
                      where h.inhparent = c.oid and p.relrowsecurity) as shows_all
    from unnest(readers_of.tables) t (name) join pg_class c on c.oid = to_regclass(t.name)
  ), reader as (
    select a.grantee
    from base b, aclexplode(b.relacl) a
    where a.privilege_type = 'SELECT' and a.grantee <> b.relowner
    group by 1 having count(distinct b.oid) = (select count(*) from base)
  )
  select quote_ident(pg_get_userbyid(min(b.relowner))),
         (select coalesce(array_agg(case when r.grantee = 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(r.grantee)) end order by r.grantee), '{}') from reader r)
  from base b having count(*) = cardinality(readers_of.tables) and bool_and(b.shows_all) and count(distinct b.relowner) = 1
$$;
comment on function _wedding_dbopt.readers_of(text[]) is
  'Who owns some tables and who may read all of them; no row where a table hides rows, or they have several owners.';
