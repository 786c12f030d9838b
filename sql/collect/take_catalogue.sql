-- Apart from take_baseline(), which refers to it, so that both are short transactions.
create or replace function _wedding_dbopt.take_catalogue(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  if (select due.name from _wedding_dbopt.due_baseline(take_catalogue.at) due) is not null then
    update _wedding_dbopt.baseline_catalogue c set seen_at = null where c.seen_at is not null;
    perform _wedding_dbopt.store_catalogue(take_catalogue.at);
  end if;
end $$;
comment on function _wedding_dbopt.take_catalogue(timestamptz) is
  'Keeps what the database consists of, when a baseline of the day before is due.';
