create or replace function _wedding_dbopt.end_pass(at timestamptz) returns boolean
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  update _wedding_dbopt.collector c set in_pass = false where c.pid = pg_backend_pid();
  select not exists (select from _wedding_dbopt.collect_log l
                     where l.at = end_pass.at and l.source = 'pass' and l.reason is not null and l.reason <> 'skipped')
$$;
comment on function _wedding_dbopt.end_pass(timestamptz) is
  'Notes that this session''s pass is over, so that nobody cancels it any more; false when it was ended before its time.';
