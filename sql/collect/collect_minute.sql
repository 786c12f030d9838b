-- Commits between its steps, so it carries no SET: every name in it is qualified. pg_cron 1.4 knows no seconds, and a row
-- of its log costs more than a sample, so the minute's job stays. It sleeps a second at a time, because PL/pgSQL cannot
-- sleep without a snapshot, and an old one keeps dead rows and concurrent index builds waiting.
create or replace procedure wedding_dbopt.collect_minute(at timestamptz default null)
language plpgsql security invoker as $$
declare
  begun  constant pg_catalog.timestamptz := pg_catalog.clock_timestamp();
  moment constant pg_catalog.timestamptz := coalesce(at, begun);
  chosen pg_catalog.bool;
  due    pg_catalog.timestamptz;
  left_s pg_catalog.float8;
  slept  pg_catalog.text;
begin
  if pg_catalog.pg_is_in_recovery() then
    raise notice 'skipped: this server is a standby';
    return;
  end if;
  perform _wedding_dbopt.require_time(moment);
  chosen := _wedding_dbopt.begin_minute(moment);
  commit;
  call wedding_dbopt.collect(moment);
  commit;
  if not chosen then
    return;
  end if;
  chosen := _wedding_dbopt.end_pass(moment);
  commit;
  if not chosen then
    return;
  end if;
  foreach due in array _wedding_dbopt.sample_times(moment, begun) loop
    loop
      left_s := pg_catalog.date_part('epoch', due operator(pg_catalog.-) moment)
                operator(pg_catalog.-) pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() operator(pg_catalog.-) begun);
      chosen := left_s operator(pg_catalog.<) 65;  -- else a clock was set back, and the minute would last as long
      exit when not chosen or left_s operator(pg_catalog.<=) 0;
      slept := pg_catalog.pg_sleep(least(left_s, 1))::pg_catalog.text;
      commit;
      if pg_catalog.to_regproc('_wedding_dbopt.server_stops') is null then
        return;  -- the extension was dropped
      end if;
      chosen := not _wedding_dbopt.server_stops();
      commit;
      exit when not chosen;
    end loop;
    exit when not chosen;
    chosen := _wedding_dbopt.sample_inside(due, moment operator(pg_catalog.+) (pg_catalog.clock_timestamp() operator(pg_catalog.-) begun));
    commit;
    exit when not chosen;
  end loop;
  chosen := _wedding_dbopt.end_minute(moment);
end $$;
comment on procedure wedding_dbopt.collect_minute(timestamptz) is
  'The job of a minute: collect(), then a sample of the sessions (and, when some wait, of the locks) each sessions_interval until shortly before the minute ends. A second one takes its pass only; pause(), a standby or a statement_timeout end it earlier.';
