-- One transaction, one subtransaction per source. A locked row keeps passes apart without queueing; nothing here opens
-- a table of the user, so nobody waits for a pass and a pass waits for nobody.
create or replace procedure wedding_dbopt.collect(at timestamptz default null)
language plpgsql security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '1s' as $$
declare
  pass_at  constant timestamptz := coalesce(at, clock_timestamp());
  begun    constant timestamptz := clock_timestamp();
  tracking constant text := current_setting('pg_stat_statements.track', true);
  quiet    constant boolean := tracking is not null and (select rolsuper from pg_roles where rolname = current_user);
  source   text;
  started  timestamptz;
begin
  if pg_is_in_recovery() then
    raise notice 'skipped: this server is a standby';
    return;
  end if;
  perform from _wedding_dbopt.pass_lock l where l.name = 'collect' for update skip locked;
  if not found then
    raise notice 'skipped: another pass is running';
    insert into _wedding_dbopt.collect_log (at, source, reason) values (pass_at, 'pass', 'skipped');
    return;
  end if;
  if quiet then  -- keeps the statements inside the pass out of pg_stat_statements; the CALL itself stays visible
    perform set_config('pg_stat_statements.track', 'none', true);
  end if;

  foreach source in array array['statements', 'relations', 'connections', 'system'] loop
    started := clock_timestamp();
    begin
      execute format('select _wedding_dbopt.%I($1)', 'sample_' || source) using pass_at;
      insert into _wedding_dbopt.collect_log (at, source, duration_ms)
      values (pass_at, source, 1000 * extract(epoch from clock_timestamp() - started));
    exception when others then
      insert into _wedding_dbopt.collect_log (at, source, duration_ms, sqlstate, reason)
      values (pass_at, source, 1000 * extract(epoch from clock_timestamp() - started), sqlstate, sqlerrm);
    end;
  end loop;

  insert into _wedding_dbopt.collect_log (at, source, duration_ms)
  values (pass_at, 'pass', 1000 * extract(epoch from clock_timestamp() - begun));
  if quiet then
    perform set_config('pg_stat_statements.track', tracking, true);
  end if;
end $$;
comment on procedure wedding_dbopt.collect(timestamptz) is
  'Takes one sample of statements, tables, indexes, connections and the system; meant to run each minute. A source that fails is logged and does not stop the others.';
