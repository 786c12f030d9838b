-- One transaction, one subtransaction per source. A locked row keeps passes apart without queueing; nothing here opens
-- a table of the user, so nobody waits for a pass and a pass waits for nobody. PostgreSQL has no timer that a running
-- function could set for a part of itself. So: a wait for a lock ends after lock_timeout, a pass that is late begins no
-- further source, and a cancel (a statement_timeout, a person, the next tick for a pass that hangs) ends the source it
-- meets and then the pass, which keeps what the sources before gave.
create or replace procedure wedding_dbopt.collect(at timestamptz default null)
language plpgsql security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '1s' as $$
declare
  pass_at  constant timestamptz := coalesce(at, clock_timestamp());
  begun    constant timestamptz := clock_timestamp();
  budget   constant interval := _wedding_dbopt.setting_value('pass_time_limit')::interval;
  tracking constant text := _wedding_dbopt.tracking_to_stop();
  source   text;
  started  timestamptz;
  stopped  text;
begin
  if pg_is_in_recovery() then
    raise notice 'skipped: this server is a standby';
    return;
  end if;
  perform _wedding_dbopt.require_time(pass_at);
  perform from _wedding_dbopt.pass_lock l where l.name = 'collect' for update skip locked;
  if not found then
    raise notice 'skipped: another pass is running';
    insert into _wedding_dbopt.collect_log (at, source, reason) values (pass_at, 'pass', 'skipped');
    return;
  end if;
  if tracking is not null then  -- keeps the statements inside the pass out of pg_stat_statements; the CALL itself stays visible
    perform set_config('pg_stat_statements.track', 'none', true);
  end if;

  foreach source in array _wedding_dbopt.pass_sources() loop
    started := clock_timestamp();
    begin
      if stopped is null and started > begun + budget then
        stopped := format('the pass took longer than %s', budget);
      end if;
      if stopped is null then
        case source  -- not by EXECUTE, which parses and plans each time
          when 'statements' then perform _wedding_dbopt.sample_statements(pass_at);
          when 'contexts' then perform _wedding_dbopt.sample_contexts(pass_at);
          when 'surges' then perform _wedding_dbopt.sample_surges(pass_at);
          when 'relations' then perform _wedding_dbopt.sample_relations(pass_at);
          when 'connections' then perform _wedding_dbopt.sample_connections(pass_at);
          when 'locks' then perform _wedding_dbopt.sample_locks(pass_at);
          when 'system' then perform _wedding_dbopt.sample_system(pass_at);
          when 'resources' then perform _wedding_dbopt.sample_resources(pass_at);
          when 'wait_profile' then perform _wedding_dbopt.sample_wait_profile(pass_at);
          when 'alerts' then perform _wedding_dbopt.sample_alerts(pass_at);
        end case;
      end if;
      insert into _wedding_dbopt.collect_log (at, source, duration_ms, reason)
      values (pass_at, source, 1000 * extract(epoch from clock_timestamp() - started), 'not begun: ' || stopped);
    exception
      when query_canceled then
        stopped := format('the pass was cancelled in the source %s', source);
        insert into _wedding_dbopt.collect_log (at, source, duration_ms, sqlstate, reason)
        values (pass_at, source, 1000 * extract(epoch from clock_timestamp() - started), sqlstate, sqlerrm);
      when others then
        insert into _wedding_dbopt.collect_log (at, source, duration_ms, sqlstate, reason)
        values (pass_at, source, 1000 * extract(epoch from clock_timestamp() - started), sqlstate, sqlerrm);
    end;
  end loop;

  insert into _wedding_dbopt.collect_log (at, source, duration_ms, reason)
  values (pass_at, 'pass', 1000 * extract(epoch from clock_timestamp() - begun), stopped);
  if tracking is not null then
    perform set_config('pg_stat_statements.track', tracking, true);
  end if;
end $$;
comment on procedure wedding_dbopt.collect(timestamptz) is
  'Takes one sample of statements, tables, indexes, connections, locks and the system; meant to run each minute, by collect_minute() or from outside. A source that fails is logged and does not stop the others.';
