-- The contexts stay readable until the statements are classified anew, a batch in each tick.
create or replace function _wedding_dbopt.forget_contexts() returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  rules_now       constant text := _wedding_dbopt.rules_fingerprint();
  definitions_now constant text := _wedding_dbopt.definitions_fingerprint();
  known           _wedding_dbopt.classification_basis;
begin
  select b.* into known from _wedding_dbopt.classification_basis b for update;
  if (known.rules, known.definitions) is not distinct from (rules_now, definitions_now) then
    return;
  end if;
  update _wedding_dbopt.statement s set classified_at = null
  where s.classified_at is not null and s.dbid = (select d.oid from pg_database d where d.datname = current_database())
    and (known.rules is distinct from rules_now or s.indirect
         or s.tables && array(select format('%I.%I', n.nspname, c.relname)
                              from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('v', 'm')));
  update _wedding_dbopt.classification_basis b set (rules, definitions) = row(rules_now, definitions_now);
end $$;
comment on function _wedding_dbopt.forget_contexts() is
  'Marks for the next ticks what must be classified anew: every statement when the rules changed, those on views and functions when a definition did.';
