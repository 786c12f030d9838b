-- Rows installed as defaults come back with CREATE EXTENSION; only rows that somebody changed are dumped. So a change
-- turns a row into a user's row, and a user's row that is inserted (also by a restore) takes the default's place.
create function _wedding_dbopt.keep_user_row() returns trigger
language plpgsql security invoker set search_path = pg_catalog, pg_temp as $$
declare
  same_key text;
begin
  if tg_op = 'UPDATE' then
    new.origin := 'user';
    return new;
  end if;
  select string_agg(format('%I = ($1).%1$I', key), ' and ') into same_key from unnest(tg_argv) as key;
  execute format('delete from %s where origin = ''default'' and %s', tg_relid::regclass, same_key) using new;
  return new;
end $$;
comment on function _wedding_dbopt.keep_user_row() is 'Trigger: a changed or newly given row replaces the installed default.';

create trigger keep_user_row before insert or update on _wedding_dbopt.setting
  for each row execute function _wedding_dbopt.keep_user_row('name');
create trigger keep_user_row before insert or update on _wedding_dbopt.context_rule
  for each row execute function _wedding_dbopt.keep_user_row('part', 'pattern');
create trigger keep_user_row before insert or update on _wedding_dbopt.criticality_weight
  for each row execute function _wedding_dbopt.keep_user_row('criticality');
create trigger keep_user_row before insert or update on _wedding_dbopt.objective
  for each row execute function _wedding_dbopt.keep_user_row('context');
create trigger keep_user_row before insert or update on _wedding_dbopt.season
  for each row execute function _wedding_dbopt.keep_user_row('name', 'region');
create trigger keep_user_row before insert or update on _wedding_dbopt.freeze
  for each row execute function _wedding_dbopt.keep_user_row('name');
