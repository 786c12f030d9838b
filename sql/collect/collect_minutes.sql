-- A new session plans everything anew and pays for a pass twice what one pays that has taken passes before. So a session
-- stays for several minutes, but not for ever: what it caches is bounded, and a job that never ends cannot be seen to fail.
-- Commits between its steps, so it carries no SET: every name in it is qualified. Between two passes it holds nothing.
create or replace procedure wedding_dbopt.collect_minutes(minutes integer default 10, at timestamptz default null)
language plpgsql security invoker as $$
declare
  begun  constant pg_catalog.timestamptz := pg_catalog.clock_timestamp();
  moment pg_catalog.timestamptz := coalesce(collect_minutes.at, begun);
  mine   pg_catalog.text;
  goes   pg_catalog.bool;
  due    pg_catalog.timestamptz;
  ending pg_catalog.timestamptz;
  left_s pg_catalog.float8;
  slept  pg_catalog.text;
begin
  if pg_catalog.pg_is_in_recovery() then
    raise notice 'skipped: this server is a standby';
    return;
  end if;
  perform _wedding_dbopt.require(collect_minutes.minutes operator(pg_catalog.>=) 1 and collect_minutes.minutes operator(pg_catalog.<=) 60,
    'minutes must be between 1 and 60', 'For example wedding_dbopt.collect_minutes(10), each ten minutes.');
  perform _wedding_dbopt.require_time(moment);
  mine := _wedding_dbopt.installation();
  -- Plans for the parameters of one pass would be made again in each.
  slept := pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false);
  ending := pg_catalog.date_bin(pg_catalog.make_interval(mins => collect_minutes.minutes), moment, '2000-01-01Z')
            operator(pg_catalog.+) pg_catalog.make_interval(mins => collect_minutes.minutes);
  commit;
  loop
    call wedding_dbopt.collect_minute(case when collect_minutes.at is not null then moment end);
    commit;
    due := pg_catalog.date_trunc('minute', moment) operator(pg_catalog.+) '1 minute'::pg_catalog.interval;
    exit when due operator(pg_catalog.>=) ending;
    if _wedding_dbopt.begin_minute(due) then  -- known as ours between two minutes too, but in no pass that could be stuck
      goes := _wedding_dbopt.end_pass(due);
    end if;
    commit;
    loop
      if pg_catalog.to_regproc('_wedding_dbopt.stays') is null then
        return;  -- the extension was dropped
      end if;
      goes := _wedding_dbopt.stays(begun, mine);
      moment := coalesce(collect_minutes.at, begun) operator(pg_catalog.+) (pg_catalog.clock_timestamp() operator(pg_catalog.-) begun);
      left_s := pg_catalog.date_part('epoch', due operator(pg_catalog.-) moment);
      commit;
      exit when not goes or left_s operator(pg_catalog.<=) 0
        or left_s operator(pg_catalog.>) 65;  -- a clock was set back: the pass that is due by it would come much later
      slept := pg_catalog.pg_sleep(least(left_s, 1))::pg_catalog.text;
      commit;
    end loop;
    exit when not goes;
    ending := least(ending, pg_catalog.date_bin(pg_catalog.make_interval(mins => collect_minutes.minutes), moment, '2000-01-01Z')
                            operator(pg_catalog.+) pg_catalog.make_interval(mins => collect_minutes.minutes));
  end loop;
end $$;
comment on procedure wedding_dbopt.collect_minutes(integer, timestamptz) is
  'The job of several minutes: collect_minute() each minute, in one session, until the next multiple of so many minutes. It ends earlier when the server stops, the extension is updated or dropped, or unschedule_jobs() is called.';
