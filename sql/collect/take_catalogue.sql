-- Apart from take_baseline(), which refers to both, so that each is a short transaction.
create or replace function _wedding_dbopt.take_catalogue(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  due record;
begin
  select d.* into due from _wedding_dbopt.due_baseline(take_catalogue.at) d;
  if due.name is not null then
    update _wedding_dbopt.baseline_catalogue c set seen_at = null, measured = null where c.seen_at is not null;
    perform _wedding_dbopt.store_catalogue(take_catalogue.at);
    update _wedding_dbopt.baseline_catalogue c
    set measured = jsonb_build_object('relations', _wedding_dbopt.relation_figures(due.since, due.until),
          'server', _wedding_dbopt.server_figures(due.since, due.until), 'settings', _wedding_dbopt.settings_now())
    where c.seen_at = take_catalogue.at;
  end if;
end $$;
comment on function _wedding_dbopt.take_catalogue(timestamptz) is
  'Keeps what the database consists of, how its tables and the server were used, and the settings, when a baseline of the day before is due.';
