-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.remove_freeze(name text) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  known _wedding_dbopt.freeze;
begin
  select f.* into known from _wedding_dbopt.freeze f where f.name = btrim(remove_freeze.name);
  perform _wedding_dbopt.require(found, format('There is no freeze %L', remove_freeze.name), 'SELECT name FROM wedding_dbopt.get_freezes();');
  if known.weekday is not null then  -- a deleted default would come back with CREATE EXTENSION
    update _wedding_dbopt.freeze f set enabled = false where f.name = known.name;
  else
    delete from _wedding_dbopt.freeze f where f.name = known.name;
  end if;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'freeze', known.name, to_jsonb(known)::text, null, 'removed by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'previous', to_jsonb(known));
end $$;
comment on function wedding_dbopt.remove_freeze(text) is
  'Takes a freeze back: a span is deleted, a weekday switched off (declare_freeze with the same name brings it back).';
