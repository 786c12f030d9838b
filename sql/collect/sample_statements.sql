-- Reads pg_stat_statements without texts, compares it with the counters of the last pass, and stores what changed.
-- The names of the columns differ between versions of that extension, so the statement is built from those it has.
-- It is prepared once in a session: planning it costs as much as half of reading pg_stat_statements. The sizes of its
-- intermediate results cannot be estimated, so the plan is steered: one hash join of all statements, on the narrow columns;
-- rows by their place (ctid) or by the unique index for what changed, however much that is.
create or replace function _wedding_dbopt.sample_statements(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set enable_mergejoin = off
set enable_hashjoin = off
set enable_seqscan = off
set jit = off
set work_mem = '16MB'
set plan_cache_mode = force_generic_plan as $$
declare
  home       regnamespace;
  has        text[];
  last_id    integer;
  info       record;
  previous   record;
  was_reset  boolean;
  base_line  boolean;
  resets     integer[];
  comparison text;
  prepared   text;
begin
  select e.extnamespace into home from pg_extension e where e.extname = 'pg_stat_statements';
  if home is null then
    raise exception using errcode = 'object_not_in_prerequisite_state', message = 'pg_stat_statements is not installed in this database';
  end if;
  select p.proargnames into has from pg_proc p
  where p.oid = to_regprocedure(format('%s.pg_stat_statements(boolean)', home));

  if to_regprocedure(format('%s.pg_stat_statements_info()', home)) is not null then
    execute format('select stats_reset, dealloc from %s.pg_stat_statements_info()', home) into info;
  else
    select null::timestamptz as stats_reset, null::bigint as dealloc into info;
  end if;

  select s.at, s.stats_reset, s.dealloc, s.entries into previous
  from _wedding_dbopt.statement_sample s order by s.at desc limit 1;
  was_reset := info.stats_reset is distinct from previous.stats_reset;
  -- Without the old counters nothing is known about the interval, unless everything began after the last pass.
  base_line := previous.at is null
    or (not exists (select from _wedding_dbopt.statement_last)
        and previous.entries > 0 and not coalesce(was_reset and info.stats_reset > previous.at, false));
  if base_line then
    delete from _wedding_dbopt.statement_last;
  end if;
  if not exists (select from _wedding_dbopt.statement_last) then
    previous.entries := 0;
  end if;
  last_id := _wedding_dbopt.last_statement_id();

  comparison := format($sql$
    with changed as materialized (
      select c.queryid, c.dbid, c.userid, %2$s as toplevel, c.calls, c.total_exec_time as exec_ms,
        c.calls * (c.stddev_exec_time * c.stddev_exec_time + c.mean_exec_time * c.mean_exec_time) as exec_sq,
        c.total_plan_time as plan_ms, c.max_exec_time as max_ms, c.min_exec_time as min_ms, c.rows,
        c.shared_blks_hit as hit, c.shared_blks_read as read, c.shared_blks_dirtied as dirtied,
        c.shared_blks_written as written, c.temp_blks_read + c.local_blks_read as temp_read,
        c.temp_blks_written + c.local_blks_written as temp_written, c.%3$s as read_ms, c.%4$s as write_ms,
        c.wal_bytes::bigint as wal_bytes, %5$s as stats_since, h.id as old_id, h.ctid as place
      from %1$s.pg_stat_statements(false) c
      full join _wedding_dbopt.statement_last h
        on h.queryid = c.queryid  -- the one key of the hash: to hash four is a sixth of a pass
          and h.userid >= c.userid and h.userid <= c.userid and h.dbid >= c.dbid and h.dbid <= c.dbid
          and h.toplevel >= %2$s and h.toplevel <= %2$s
      where (c.queryid is null) <> (h.queryid is null) or $4
         or h.calls <> c.calls or h.exec_ms <> c.total_exec_time or h.stats_since <> %5$s
    ), few as materialized (  -- gone or not in the state
      select d.*, (select s.id from _wedding_dbopt.statement s where s.queryid = d.queryid and s.dbid = d.dbid
                   and s.userid = d.userid and s.toplevel = d.toplevel) as known_id
      from changed d where d.queryid is null or d.old_id is null
    ), gone as (
      delete from _wedding_dbopt.statement_last l using few f where l.ctid = f.place and f.queryid is null
    ), fresh as materialized (
      select f.*, coalesce(f.known_id, nextval('_wedding_dbopt.statement_id_seq')::integer) as id
      from few f where f.queryid is not null
    ), met as (
      insert into _wedding_dbopt.statement_last
        (queryid, dbid, userid, toplevel, id,
         calls, exec_ms, exec_sq, plan_ms, max_ms, min_ms, rows, hit, read, dirtied, written, temp_read,
         temp_written, read_ms, write_ms, wal_bytes, stats_since)
      select f.queryid, f.dbid, f.userid, f.toplevel, f.id,
        f.calls, f.exec_ms, f.exec_sq, f.plan_ms, f.max_ms, f.min_ms, f.rows, f.hit, f.read, f.dirtied, f.written,
        f.temp_read, f.temp_written, f.read_ms, f.write_ms, f.wal_bytes, f.stats_since
      from fresh f
    ), kept as (
      update _wedding_dbopt.statement_last l set
        calls = d.calls, exec_ms = d.exec_ms, exec_sq = d.exec_sq, plan_ms = d.plan_ms, max_ms = d.max_ms,
        min_ms = d.min_ms, rows = d.rows, hit = d.hit, read = d.read, dirtied = d.dirtied, written = d.written,
        temp_read = d.temp_read, temp_written = d.temp_written, read_ms = d.read_ms, write_ms = d.write_ms,
        wal_bytes = d.wal_bytes, stats_since = d.stats_since
      from (select
              c.place, c.calls, c.exec_ms, c.exec_sq, c.plan_ms, c.max_ms, c.min_ms, c.rows, c.hit, c.read,
              c.dirtied, c.written, c.temp_read, c.temp_written, c.read_ms, c.write_ms, c.wal_bytes, c.stats_since
            from changed c where c.queryid is not null offset 0) d  -- a fence: the update carries what it reads from twice
      where l.ctid = d.place
    ), compared as (  -- inner: without the interval's new shortest and longest call
      select d.old_id as id,
        d.calls, d.exec_ms, d.exec_sq, d.rows, d.hit, d.read, d.dirtied, d.written, d.temp_read, d.temp_written,
        d.plan_ms, d.read_ms, d.write_ms, d.wal_bytes,
        d.calls - l.calls as more_calls, d.exec_ms - l.exec_ms as more_exec_ms,
        d.exec_sq - l.exec_sq as more_exec_sq, d.rows - l.rows as more_rows, d.hit - l.hit as more_hit,
        d.read - l.read as more_read, d.dirtied - l.dirtied as more_dirtied, d.written - l.written as more_written,
        d.temp_read - l.temp_read as more_temp_read, d.temp_written - l.temp_written as more_temp_written,
        d.plan_ms - l.plan_ms as more_plan_ms, d.read_ms - l.read_ms as more_read_ms,
        d.write_ms - l.write_ms as more_write_ms, d.wal_bytes - l.wal_bytes as more_wal_bytes,
        d.min_ms, d.max_ms, d.stats_since, l.min_ms as min_ms0, l.max_ms as max_ms0, l.stats_since as stats_since0,
        d.calls - l.calls - (d.min_ms < l.min_ms)::integer - (d.max_ms > l.max_ms)::integer as inner_calls,
        d.exec_ms - l.exec_ms - case when d.min_ms < l.min_ms then d.min_ms else 0 end
          - case when d.max_ms > l.max_ms then d.max_ms else 0 end as inner_ms,
        d.exec_sq - l.exec_sq - case when d.min_ms < l.min_ms then d.min_ms * d.min_ms else 0 end
          - case when d.max_ms > l.max_ms then d.max_ms * d.max_ms else 0 end as inner_sq
      from changed d join _wedding_dbopt.statement_last l on l.ctid = d.place
      where d.queryid is not null
      offset 0  -- a fence: what is worked out here is not worked out again in each expression that uses it
    ), judged as (
      select o.id,
        o.calls, o.exec_ms, o.exec_sq, o.rows, o.hit, o.read, o.dirtied, o.written, o.temp_read, o.temp_written,
        o.plan_ms, o.read_ms, o.write_ms, o.wal_bytes,
        o.more_calls, o.more_exec_ms, o.more_exec_sq, o.more_rows, o.more_hit, o.more_read, o.more_dirtied,
        o.more_written, o.more_temp_read, o.more_temp_written, o.more_plan_ms, o.more_read_ms, o.more_write_ms,
        o.more_wal_bytes,
        $4 or (%6$s) as anew
      from compared o
      union all
      select f.id,
        f.calls, f.exec_ms, f.exec_sq, f.rows, f.hit, f.read, f.dirtied, f.written, f.temp_read, f.temp_written,
        f.plan_ms, f.read_ms, f.write_ms, f.wal_bytes,
        f.calls, f.exec_ms, f.exec_sq, f.rows, f.hit, f.read, f.dirtied, f.written, f.temp_read, f.temp_written,
        f.plan_ms, f.read_ms, f.write_ms, f.wal_bytes, false
      from fresh f where not $3
    ), delta as (
      select j.id, j.anew,
        case when j.anew then j.calls else j.more_calls end as calls,
        case when j.anew then j.exec_ms else j.more_exec_ms end as exec_ms,
        case when j.anew then j.exec_sq else j.more_exec_sq end as exec_sq,
        case when j.anew then j.rows else j.more_rows end as rows,
        case when j.anew then j.hit else j.more_hit end as hit,
        case when j.anew then j.read else j.more_read end as read,
        case when j.anew then j.dirtied else j.more_dirtied end as dirtied,
        case when j.anew then j.written else j.more_written end as written,
        case when j.anew then j.temp_read else j.more_temp_read end as temp_read,
        case when j.anew then j.temp_written else j.more_temp_written end as temp_written,
        case when j.anew then j.plan_ms else j.more_plan_ms end as plan_ms,
        case when j.anew then j.read_ms else j.more_read_ms end as read_ms,
        case when j.anew then j.write_ms else j.more_write_ms end as write_ms,
        case when j.anew then j.wal_bytes else j.more_wal_bytes end as wal_bytes
      from judged j order by j.id
    )
    insert into _wedding_dbopt.statement_sample
      (at, previous_at, complete, stats_reset, dealloc, entries, restarted, ids, calls, exec_us, exec_sq,
       rows, hit, read, dirtied, written, temp_read, temp_written, plan_us, read_us, write_us, wal_bytes)
    select $1, $2,
      not ($3 or $4 or $5 or exists (select from few f where f.queryid is null)
        or coalesce(bool_or(d.anew) or greatest(max(d.calls), max(d.rows), max(d.hit), max(d.read), max(d.dirtied),
          max(d.written), max(d.temp_read), max(d.temp_written)) > 2147483647, false)),
      $6, $7,
      $8 + (select count(*) filter (where f.old_id is null) - count(*) filter (where f.queryid is null) from few f),
      array_agg(d.id) filter (where d.anew),
      coalesce(array_agg(d.id), '{}'),
      coalesce(array_agg(least(d.calls, 2147483647)::integer), '{}'),
      coalesce(array_agg((1000 * d.exec_ms)::bigint), '{}'),
      coalesce(array_agg(greatest(d.exec_sq, round(1000 * d.exec_ms) * round(1000 * d.exec_ms) / 1e6 / nullif(d.calls, 0), 0)::real), '{}'),
      case when max(d.rows) > 0 then array_agg(least(d.rows, 2147483647)::integer) end,
      case when max(d.hit) > 0 then array_agg(least(d.hit, 2147483647)::integer) end,
      case when max(d.read) > 0 then array_agg(least(d.read, 2147483647)::integer) end,
      case when max(d.dirtied) > 0 then array_agg(least(d.dirtied, 2147483647)::integer) end,
      case when max(d.written) > 0 then array_agg(least(d.written, 2147483647)::integer) end,
      case when max(d.temp_read) > 0 then array_agg(least(d.temp_read, 2147483647)::integer) end,
      case when max(d.temp_written) > 0 then array_agg(least(d.temp_written, 2147483647)::integer) end,
      case when max(d.plan_ms) > 0 then array_agg((1000 * d.plan_ms)::bigint) end,
      case when max(d.read_ms) > 0 then array_agg((1000 * d.read_ms)::bigint) end,
      case when max(d.write_ms) > 0 then array_agg((1000 * d.write_ms)::bigint) end,
      case when max(d.wal_bytes) > 0 then array_agg(d.wal_bytes) end
    from delta d
    $sql$,
    home,
    case when 'toplevel' = any(has) then 'c.toplevel' else 'true' end,
    case when 'shared_blk_read_time' = any(has) then 'shared_blk_read_time' else 'blk_read_time' end,
    case when 'shared_blk_write_time' = any(has) then 'shared_blk_write_time' else 'blk_write_time' end,
    case when 'stats_since' = any(has) then 'c.stats_since' else 'null::timestamptz' end,
    -- Has the entry begun anew? Newer versions say so; before, figures give it away that cannot have grown out of the old ones.
    case when 'stats_since' = any(has) then 'o.stats_since is distinct from o.stats_since0' else
      'o.more_calls <= 0 or o.max_ms < o.max_ms0
       or least(o.more_exec_ms, o.more_plan_ms, o.more_read_ms, o.more_write_ms) < 0
       or least(o.more_rows, o.more_hit, o.more_read, o.more_dirtied, o.more_written, o.more_temp_read, o.more_temp_written,
             o.more_wal_bytes) < 0
       -- A new shortest or longest call is among those of the interval; the others must fit between the two. A new life has
       -- not the old one''s extremes to the last digit.
       or (o.calls > o.more_calls and (o.min_ms <> o.min_ms0 or o.max_ms <> o.max_ms0)
           and (o.min_ms > o.min_ms0 or not _wedding_dbopt.is_possible(o.inner_calls, o.inner_ms, o.inner_sq,
             o.min_ms, o.max_ms, 1e-9 * o.exec_ms, 1e-9 * (o.exec_sq + o.max_ms * o.exec_ms))))' end);
  -- The name tells the columns it was written for, should another version of pg_stat_statements come while the session lives.
  prepared := 'wedding_dbopt_' || md5(comparison);
  if not exists (select from pg_prepared_statement() p where p.name = prepared) then
    execute format('prepare %I (timestamptz, timestamptz, boolean, boolean, boolean, timestamptz, bigint, integer) as %s', prepared, comparison);
  end if;
  execute format('execute %I (%L, %L, %L, %L, %L, %L, %L, %L)', prepared, sample_statements.at, previous.at, base_line,
    was_reset and not base_line, info.dealloc is distinct from previous.dealloc, info.stats_reset, info.dealloc, previous.entries);

  if _wedding_dbopt.last_statement_id() > last_id then
    perform _wedding_dbopt.name_statements(last_id, sample_statements.at);
  end if;
  -- Somebody reset statistics: of which entries, and how often these had run, nothing may show.
  resets := array(select s.id from _wedding_dbopt.statement s where s.resets);
  if resets <> '{}' then
    update _wedding_dbopt.statement_sample p set complete = false
    where p.at = sample_statements.at and p.complete and p.ids && resets;
  end if;
end $$;
comment on function _wedding_dbopt.sample_statements(timestamptz) is
  'Stores the interval differences of pg_stat_statements since the last pass, for the statements that changed.';
