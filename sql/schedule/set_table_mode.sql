-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.set_table_mode(table_name text, mode text, action_type text default 'all') returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  key text;
  previous text;
begin
  begin
    select format('%I.%I', n.nspname, c.relname) into key
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass(set_table_mode.table_name) and c.relkind in ('r', 'p', 'm');
  exception when invalid_name or syntax_error or feature_not_supported then
    key := null;  -- it is no name at all
  end;
  if key is null then
    raise exception 'There is no table %', coalesce(quote_literal(table_name), 'null')
      using errcode = 'undefined_table', hint = 'Give its schema too: public.bookings.';
  end if;
  if action_type is null or action_type <> 'all' and _wedding_dbopt.setting_value('mode.' || action_type) is null then
    raise exception 'Unknown action_type %', coalesce(quote_literal(action_type), 'null') using errcode = 'invalid_parameter_value',
      hint = 'Use all or one of: ' || (select string_agg(substr(s.name, 6), ', ' order by s.name) from _wedding_dbopt.setting s where s.name like 'mode.%');
  end if;
  if mode is not null and mode not in ('off', 'recommend', 'approve', 'auto') then
    raise exception 'Unknown mode %', quote_literal(mode) using errcode = 'invalid_parameter_value',
      hint = 'Use off, recommend, approve or auto, or null to go back to the setting.';
  end if;
  delete from _wedding_dbopt.table_mode m where m.table_key = key and m.action_type = set_table_mode.action_type returning m.mode into previous;
  if mode is not null then
    insert into _wedding_dbopt.table_mode (table_key, action_type, mode) values (key, set_table_mode.action_type, set_table_mode.mode);
  end if;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'setting', format('mode of %s for %s', key, action_type), previous, mode, 'set by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'table_name', key, 'action_type', action_type, 'mode', mode, 'previous', previous);
end $$;
comment on function wedding_dbopt.set_table_mode(text, text, text) is
  'Sets what may happen on one table (off, recommend, approve, auto; null = as the settings say), for one action type or for all.';
