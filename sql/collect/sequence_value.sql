-- There is no way to a sequence's value that does not open it. A SELECT in a subtransaction that is rolled back holds the
-- weakest lock there is, for microseconds; the value leaves in a variable. A SELECT names the sequence, and its owner may
-- put a view or a table of that name in its place a moment before: so views are shut out where the server can do that, and
-- format() spells the columns without any cast that their owner could have made.
create or replace function _wedding_dbopt.sequence_value(relid oid) returns bigint
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  spelt text;
begin
  begin
    if current_setting('restrict_nonsystem_relation_kind', true) is not null then
      perform set_config('restrict_nonsystem_relation_kind', 'view, foreign-table', true);
    end if;
    execute format('select format(''%%s %%s'', is_called, last_value) from %s', sequence_value.relid::regclass) into spelt;
    raise exception using errcode = 'WD000', message = 'the lock is given back';
  exception
    when sqlstate 'WD000' then
      return substring(spelt from '^t (-?\d{1,19})$')::bigint;
    when lock_not_available then
      raise;  -- 55P03 would count as one of the class 55000 below
    when undefined_table or undefined_column or object_not_in_prerequisite_state then
      return null;  -- dropped or replaced meanwhile
  end;
end $$;
comment on function _wedding_dbopt.sequence_value(oid) is
  'The last value of a sequence; null where none was taken yet, or where it is gone. Keeps no lock and runs nobody''s code.';
