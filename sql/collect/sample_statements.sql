-- Reads pg_stat_statements without texts, compares it with the counters of the last pass, and stores what changed.
-- The names of the columns differ between versions of that extension, so the statement is built from those it has.
-- It is prepared once in a session: planning it costs as much as half of reading pg_stat_statements. The sizes of its
-- intermediate results cannot be estimated, so the plan is steered: hash joins only. One of all statements, whose hash has the
-- narrow columns of the last pass; what changed is met with its old row among those fetched by place (ctid) in one go, because
-- a scan for each row asks the system for the length of the file each time.
create or replace function _wedding_dbopt.sample_statements(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set enable_mergejoin = off
set enable_nestloop = off
set enable_seqscan = off
set jit = off
set work_mem = '16MB'
set plan_cache_mode = force_generic_plan as $$
declare
  home       regnamespace;
  has        text[];
  last_id    integer;
  info       record;
  last       record;
  too_old    boolean;
  told       text[];
  before     timestamptz;
  began      timestamptz;
  was_reset  boolean;
  base_line  boolean;
  known      integer;
  idle       boolean;
  silent     text;
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
    has := has || 'stats_reset'::text;
  else
    select null::timestamptz as stats_reset, null::bigint as dealloc into info;
  end if;
  -- Before 1.9 it does not say which calls are nested: entries that differ in nothing else cannot be told apart.
  too_old := 'total_exec_time' <> all(has);
  if not too_old and 'toplevel' <> all(has) then
    execute format('select true from %s.pg_stat_statements(false) c group by c.queryid, c.dbid, c.userid having count(*) > 1 limit 1', home)
    into too_old;
  end if;
  if too_old then
    raise exception using errcode = 'object_not_in_prerequisite_state',
      message = 'this version of pg_stat_statements does not tell enough: ALTER EXTENSION pg_stat_statements UPDATE';
  end if;

  told := array(select t.name from unnest(array['toplevel', 'stats_reset', 'stats_since']) with ordinality as t (name, place)
                 where t.name = any(has) order by t.place);
  select p.* into last from _wedding_dbopt.statement_pass p;
  select max(s.at) into before from _wedding_dbopt.statement_sample s where s.at < sample_statements.at;
  -- What began before a clock was set back has no length that anybody knows: at least the usual minute.
  began := case when last.at < sample_statements.at then last.at
                when last.at is not null then least(before, sample_statements.at - interval '1 minute') else before end;
  was_reset := info.stats_reset is distinct from last.stats_reset;
  -- Without the old counters, or where they do not say what the new ones say of how they began, nothing is known about the
  -- interval, unless everything began after the last pass.
  base_line := case when last.at is not null then last.tells <> told
    else before is null or info.stats_reset is null
      or exists (select from _wedding_dbopt.statement_sample s where s.at >= info.stats_reset or s.stats_reset = info.stats_reset) end;
  if base_line then
    delete from _wedding_dbopt.statement_last;
    last.entries := 0;
  end if;
  last_id := _wedding_dbopt.last_statement_id();

  comparison := format($sql$
    with changed as materialized (
      select c.queryid, c.dbid, c.userid, %2$s as toplevel, h.id as old_id, h.place, c.calls, c.total_exec_time as exec_ms,
        c.calls * (c.stddev_exec_time * c.stddev_exec_time + c.mean_exec_time * c.mean_exec_time) as exec_sq,
        c.total_plan_time as plan_ms, c.max_exec_time as max_ms, c.min_exec_time as min_ms, c.rows,
        c.shared_blks_hit as hit, c.shared_blks_read as read, c.shared_blks_dirtied as dirtied,
        c.shared_blks_written as written, c.temp_blks_read + c.local_blks_read as temp_read,
        c.temp_blks_written + c.local_blks_written as temp_written, c.%3$s as read_ms, c.%4$s as write_ms,
        c.wal_bytes::bigint as wal_bytes, %5$s as stats_since
      from %1$s.pg_stat_statements(false) c
      full join (
        select l.queryid, l.dbid, l.userid, l.toplevel, l.id, l.calls, l.exec_ms%7$s, l.ctid as place
        from _wedding_dbopt.statement_last l
        -- Always true, but the planner expects it of one row in 200. So it hashes these few columns.
        where l.calls + 0 = l.calls) h
        on h.queryid = c.queryid  -- the one key of the hash: to hash four is a sixth of a pass
          and oideq(h.userid, c.userid) and oideq(h.dbid, c.dbid) and booleq(h.toplevel, %2$s)
      where (h.calls = c.calls and h.exec_ms = c.total_exec_time and not $4%8$s) is not true
      order by h.id  -- so the arrays are, and the rows that are updated lie side by side
    ), few as materialized (  -- gone or not in the state
      select d.*, (select s.id from _wedding_dbopt.statement s where s.queryid = d.queryid and s.dbid = d.dbid
                   and s.userid = d.userid and s.toplevel = d.toplevel) as known_id
      from changed d where d.queryid is null or d.old_id is null
    ), gone as (
      delete from _wedding_dbopt.statement_last l
      where l.ctid = any (array(select f.place from few f where f.queryid is null))
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
            from changed c where c.queryid is not null and c.old_id is not null offset 0) d  -- a fence: the update carries what it reads from twice
      where l.ctid = d.place
        and l.ctid = any (array(select c.place from changed c where c.queryid is not null and c.old_id is not null))
    ), delta as materialized (  -- what began anew meets no old row, as what is new
      select d.old_id as id, l.queryid is null as anew,
        d.calls - coalesce(l.calls, 0) as calls, d.exec_ms - coalesce(l.exec_ms, 0) as exec_ms,
        d.exec_sq - coalesce(l.exec_sq, 0) as exec_sq, d.rows - coalesce(l.rows, 0) as rows,
        d.hit - coalesce(l.hit, 0) as hit, d.read - coalesce(l.read, 0) as read,
        d.dirtied - coalesce(l.dirtied, 0) as dirtied, d.written - coalesce(l.written, 0) as written,
        d.temp_read - coalesce(l.temp_read, 0) as temp_read, d.temp_written - coalesce(l.temp_written, 0) as temp_written,
        d.plan_ms - coalesce(l.plan_ms, 0) as plan_ms, d.read_ms - coalesce(l.read_ms, 0) as read_ms,
        d.write_ms - coalesce(l.write_ms, 0) as write_ms, d.wal_bytes - coalesce(l.wal_bytes, 0) as wal_bytes
      from changed d
      left join (
        select l.*, l.ctid as place from _wedding_dbopt.statement_last l
        where l.ctid = any (array(select c.place from changed c where c.queryid is not null and c.old_id is not null))) l
        on l.place = d.place and not ($4 or %6$s)
      where d.queryid is not null and d.old_id is not null
      union all
      select f.id, false,
        f.calls, f.exec_ms, f.exec_sq, f.rows, f.hit, f.read, f.dirtied, f.written, f.temp_read, f.temp_written,
        f.plan_ms, f.read_ms, f.write_ms, f.wal_bytes
      from fresh f where not $3
    ), top as materialized (  -- the arrays that nearly every pass has; those below are made only if one is not zero
      select coalesce(bool_or(d.anew), false) as anew, max(d.calls) as calls, max(d.rows) as rows, max(d.hit) as hit,
        max(d.read) as read, max(d.dirtied) as dirtied, max(d.written) as written, max(d.temp_read) as temp_read,
        max(d.temp_written) as temp_written, max(d.plan_ms) as plan_ms, max(d.read_ms) as read_ms,
        max(d.write_ms) as write_ms, max(d.wal_bytes) as wal_bytes,
        array_agg(d.id) as all_ids, array_agg(least(d.calls, 2147483647)::integer) as all_calls,
        array_agg((1000 * d.exec_ms)::bigint) as all_exec_us,
        array_agg(greatest(d.exec_sq, round(1000 * d.exec_ms) * round(1000 * d.exec_ms) / 1e6 / nullif(d.calls, 0), 0)::real) as all_exec_sq,
        array_agg(least(d.rows, 2147483647)::integer) as all_rows, array_agg(least(d.hit, 2147483647)::integer) as all_hit
      from delta d
    )
    insert into _wedding_dbopt.statement_sample
      (at, previous_at, complete, stats_reset, dealloc, entries, restarted, ids, calls, exec_us, exec_sq,
       rows, hit, read, dirtied, written, temp_read, temp_written, plan_us, read_us, write_us, wal_bytes)
    select $1, $2,
      not ($3 or $4 or $5 or t.anew or exists (select from few f where f.queryid is null)
        or coalesce(greatest(t.calls, t.rows, t.hit, t.read, t.dirtied, t.written, t.temp_read, t.temp_written) > 2147483647, false)),
      $6, $7,
      $8 + (select count(*) filter (where f.old_id is null) - count(*) filter (where f.queryid is null) from few f),
      case when t.anew then array(select d.id from delta d where d.anew) end,
      coalesce(t.all_ids, '{}'), coalesce(t.all_calls, '{}'), coalesce(t.all_exec_us, '{}'), coalesce(t.all_exec_sq, '{}'),
      case when t.rows > 0 then t.all_rows end,
      case when t.hit > 0 then t.all_hit end,
      case when t.read > 0 then array(select least(d.read, 2147483647)::integer from delta d) end,
      case when t.dirtied > 0 then array(select least(d.dirtied, 2147483647)::integer from delta d) end,
      case when t.written > 0 then array(select least(d.written, 2147483647)::integer from delta d) end,
      case when t.temp_read > 0 then array(select least(d.temp_read, 2147483647)::integer from delta d) end,
      case when t.temp_written > 0 then array(select least(d.temp_written, 2147483647)::integer from delta d) end,
      case when t.plan_ms > 0 then array(select (1000 * d.plan_ms)::bigint from delta d) end,
      case when t.read_ms > 0 then array(select (1000 * d.read_ms)::bigint from delta d) end,
      case when t.write_ms > 0 then array(select (1000 * d.write_ms)::bigint from delta d) end,
      case when t.wal_bytes > 0 then array(select d.wal_bytes from delta d) end
    from top t
    returning entries, ids = '{}'
    $sql$,
    home,
    case when 'toplevel' = any(has) then 'c.toplevel' else 'true' end,
    case when 'shared_blk_read_time' = any(has) then 'shared_blk_read_time' else 'blk_read_time' end,
    case when 'shared_blk_write_time' = any(has) then 'shared_blk_write_time' else 'blk_write_time' end,
    case when 'stats_since' = any(has) then 'c.stats_since' else 'null::timestamptz' end,
    -- Has the entry begun anew? Newer versions say so; before, figures give it away that cannot have grown out of the old ones.
    case when 'stats_since' = any(has) then 'd.stats_since is distinct from l.stats_since' else
      'd.calls <= l.calls or d.exec_ms < l.exec_ms or d.max_ms < l.max_ms or d.plan_ms < l.plan_ms
       or d.read_ms < l.read_ms or d.write_ms < l.write_ms or d.rows < l.rows or d.hit < l.hit or d.read < l.read
       or d.dirtied < l.dirtied or d.written < l.written or d.temp_read < l.temp_read or d.temp_written < l.temp_written
       or d.wal_bytes < l.wal_bytes
       -- A new shortest or longest call is among those of the interval; the others must fit between the two. A new life has
       -- not the old one''s extremes to the last digit.
       or (l.calls > 0 and (d.min_ms <> l.min_ms or d.max_ms <> l.max_ms)
           and (d.min_ms > l.min_ms or not _wedding_dbopt.is_possible(
             d.calls - l.calls - (d.min_ms < l.min_ms)::integer - (d.max_ms > l.max_ms)::integer,
             d.exec_ms - l.exec_ms - case when d.min_ms < l.min_ms then d.min_ms else 0 end
               - case when d.max_ms > l.max_ms then d.max_ms else 0 end,
             d.exec_sq - l.exec_sq - case when d.min_ms < l.min_ms then d.min_ms * d.min_ms else 0 end
               - case when d.max_ms > l.max_ms then d.max_ms * d.max_ms else 0 end,
             d.min_ms, d.max_ms, 1e-9 * d.exec_ms, 1e-9 * (d.exec_sq + d.max_ms * d.exec_ms))))' end,
    case when 'stats_since' = any(has) then ', l.stats_since' else '' end,
    case when 'stats_since' = any(has) then ' and h.stats_since = c.stats_since' else '' end);
  -- The name tells the columns it was written for, should another version of pg_stat_statements come while the session lives.
  prepared := 'wedding_dbopt_' || md5(comparison);
  if not exists (select from pg_prepared_statement() p where p.name = prepared) then
    execute format('prepare %I (timestamptz, timestamptz, boolean, boolean, boolean, timestamptz, bigint, integer) as %s', prepared, comparison);
  end if;
  execute format('execute %I (%L, %L, %L, %L, %L, %L, %L, %L)', prepared, sample_statements.at, began, base_line,
    was_reset and not base_line, info.dealloc is distinct from last.dealloc or last.at >= sample_statements.at or not coalesce(last.counted, true),
    info.stats_reset, info.dealloc, coalesce(last.entries, 0)) into known, idle;
  if idle and not base_line then  -- no statement at all: was none counted?
    -- The session's own value, because a pass counts none of its own.
    select case when s.name = 'compute_query_id' then 'compute_query_id is off' else 'pg_stat_statements.track is none' end into silent
    from pg_settings s where (s.name, s.reset_val) in (('compute_query_id', 'off'), ('pg_stat_statements.track', 'none')) order by s.name limit 1;
  end if;
  if silent is not null then
    delete from _wedding_dbopt.statement_sample s where s.at = sample_statements.at and s.ids = '{}';
    insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason)
    values (sample_statements.at, 'statements: tracking', '55000', silent || ': statements are not counted');
  end if;
  update _wedding_dbopt.statement_pass p
  set at = sample_statements.at, tells = told, stats_reset = info.stats_reset, dealloc = info.dealloc, entries = known,
      counted = silent is null;
  if not found then
    insert into _wedding_dbopt.statement_pass (at, tells, stats_reset, dealloc, entries, counted)
    values (sample_statements.at, told, info.stats_reset, info.dealloc, known, silent is null);
  end if;

  if _wedding_dbopt.last_statement_id() > last_id or exists (select from _wedding_dbopt.statement s where s.unread) then
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
