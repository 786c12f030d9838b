-- Reads pg_stat_statements without texts, compares it with the counters of the last pass, and stores what changed.
-- The names of the columns differ between versions of that extension, so the statement is built from those it has.
-- Old counters are fetched by their place (ctid), so that only the narrow columns of all statements pass through the hash.
-- Nested loops are off because the sizes of the intermediate results cannot be estimated on a first pass of thousands.
create or replace function _wedding_dbopt.sample_statements(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
set work_mem = '16MB' as $$
declare
  home       regnamespace;
  has        text[];
  last_id    integer;
  info       record;
  previous   record;
  was_reset  boolean;
  base_line  boolean;
  resets     integer[];
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
  select coalesce(max(s.id), 0) into last_id from _wedding_dbopt.statement s;

  execute format($sql$
    with changed as materialized (
      select c.queryid, c.dbid, c.userid, c.toplevel, c.calls, c.total_exec_time as exec_ms,
             c.calls * (c.stddev_exec_time * c.stddev_exec_time + c.mean_exec_time * c.mean_exec_time) as exec_sq,
             c.total_plan_time as plan_ms, c.max_exec_time as max_ms, c.min_exec_time as min_ms, c.rows,
             c.shared_blks_hit as hit, c.shared_blks_read as read, c.shared_blks_dirtied as dirtied,
             c.shared_blks_written as written, c.temp_blks_read + c.local_blks_read as temp_read,
             c.temp_blks_written + c.local_blks_written as temp_written, c.read_ms, c.write_ms,
             c.wal_bytes::float8 as wal_bytes, c.stats_since, h.id as old_id, h.ctid as old_place
      from (select * %2$s %5$s, %3$s as read_ms, %4$s as write_ms
            from %1$s.pg_stat_statements(false) where queryid is not null) c
      full join _wedding_dbopt.statement_last h
        on h.queryid = c.queryid and h.dbid = c.dbid and h.userid = c.userid and h.toplevel = c.toplevel
      where c.queryid is null or h.queryid is null or $4
         or h.calls <> c.calls or h.exec_ms <> c.total_exec_time or h.stats_since <> c.stats_since
    ), gone as (
      delete from _wedding_dbopt.statement_last l using changed d
      where l.ctid = d.old_place and l.ctid = any (array(select old_place from changed where queryid is null))
    ), known as (
      select s.id, s.queryid, s.dbid, s.userid, s.toplevel
      from changed d join _wedding_dbopt.statement s using (queryid, dbid, userid, toplevel) where d.old_id is null
    ), named as (
      insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen)
      select d.queryid, d.dbid, d.userid, d.toplevel, $1
      from changed d left join known k using (queryid, dbid, userid, toplevel)
      where d.old_id is null and k.id is null
      returning id, queryid, dbid, userid, toplevel
    ), met as (
      insert into _wedding_dbopt.statement_last
        (queryid, calls, exec_ms, dbid, userid, id, toplevel, exec_sq, plan_ms, max_ms, min_ms, rows, hit, read, dirtied,
         written, temp_read, temp_written, read_ms, write_ms, wal_bytes, stats_since)
      select d.queryid, d.calls, d.exec_ms, d.dbid, d.userid, n.id, d.toplevel, d.exec_sq, d.plan_ms, d.max_ms, d.min_ms,
             d.rows, d.hit, d.read, d.dirtied, d.written, d.temp_read, d.temp_written, d.read_ms, d.write_ms, d.wal_bytes,
             d.stats_since
      from changed d join (select * from known union all select * from named) n using (queryid, dbid, userid, toplevel)
      where d.old_id is null
      returning *
    ), kept as (
      update _wedding_dbopt.statement_last l set calls = d.calls, exec_ms = d.exec_ms, exec_sq = d.exec_sq,
        plan_ms = d.plan_ms, max_ms = d.max_ms, min_ms = d.min_ms, rows = d.rows, hit = d.hit, read = d.read,
        dirtied = d.dirtied, written = d.written, temp_read = d.temp_read, temp_written = d.temp_written,
        read_ms = d.read_ms, write_ms = d.write_ms, wal_bytes = d.wal_bytes, stats_since = d.stats_since
      from changed d
      where l.ctid = d.old_place and d.queryid is not null and l.ctid = any (array(select old_place from changed))
    ), old as (  -- inner: without the interval's new shortest and longest call
      select d.old_id as id, d.calls, d.exec_ms, d.exec_sq, d.rows, d.hit, d.plan_ms, d.read, d.dirtied, d.written,
        d.temp_read, d.temp_written, d.read_ms, d.write_ms, d.wal_bytes,
        l.calls as calls0, l.exec_ms as exec_ms0, l.exec_sq as exec_sq0, l.rows as rows0, l.hit as hit0,
        l.plan_ms as plan_ms0, l.read as read0, l.dirtied as dirtied0, l.written as written0, l.temp_read as temp_read0,
        l.temp_written as temp_written0, l.read_ms as read_ms0, l.write_ms as write_ms0, l.wal_bytes as wal_bytes0,
        d.min_ms, d.max_ms, d.stats_since, l.min_ms as min_ms0, l.max_ms as max_ms0, l.stats_since as stats_since0,
        d.calls - l.calls - (d.min_ms < l.min_ms)::integer - (d.max_ms > l.max_ms)::integer as inner_calls,
        d.exec_ms - l.exec_ms - case when d.min_ms < l.min_ms then d.min_ms else 0 end
          - case when d.max_ms > l.max_ms then d.max_ms else 0 end as inner_ms,
        d.exec_sq - l.exec_sq - case when d.min_ms < l.min_ms then d.min_ms * d.min_ms else 0 end
          - case when d.max_ms > l.max_ms then d.max_ms * d.max_ms else 0 end as inner_sq
      from changed d join _wedding_dbopt.statement_last l on l.ctid = d.old_place
      where d.queryid is not null and l.ctid = any (array(select old_place from changed))
      offset 0  -- a fence: what is worked out here is not worked out again in each expression that uses it
    ), pair as (
      select o.id, o.calls, o.exec_ms, o.exec_sq, o.rows, o.hit, o.plan_ms, o.read, o.dirtied, o.written,
        o.temp_read, o.temp_written, o.read_ms, o.write_ms, o.wal_bytes, o.calls0, o.exec_ms0, o.exec_sq0, o.rows0, o.hit0,
        o.plan_ms0, o.read0, o.dirtied0, o.written0, o.temp_read0, o.temp_written0, o.read_ms0, o.write_ms0, o.wal_bytes0,
        case when $4 or (%6$s) then 0 else 1 end as going_on
      from old o
      union all
      select m.id, m.calls, m.exec_ms, m.exec_sq, m.rows, m.hit, m.plan_ms, m.read, m.dirtied, m.written,
        m.temp_read, m.temp_written, m.read_ms, m.write_ms, m.wal_bytes, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
      from met m where not $3
    ), delta as (
      select id, going_on,
        calls - going_on * calls0 as calls, exec_ms - going_on * exec_ms0 as exec_ms,
        exec_sq - going_on * exec_sq0 as exec_sq, rows - going_on * rows0 as rows, hit - going_on * hit0 as hit,
        read - going_on * read0 as read, dirtied - going_on * dirtied0 as dirtied,
        written - going_on * written0 as written, temp_read - going_on * temp_read0 as temp_read,
        temp_written - going_on * temp_written0 as temp_written, plan_ms - going_on * plan_ms0 as plan_ms,
        read_ms - going_on * read_ms0 as read_ms, write_ms - going_on * write_ms0 as write_ms,
        wal_bytes - going_on * wal_bytes0 as wal_bytes
      from pair order by id
    )
    insert into _wedding_dbopt.statement_sample
      (at, previous_at, complete, stats_reset, dealloc, entries, restarted, ids, calls, exec_us, exec_sq, rows, hit, read,
       dirtied, written, temp_read, temp_written, plan_us, read_us, write_us, wal_bytes)
    select $1, $2,
      not ($3 or $4 or $5 or exists (select from changed d where d.queryid is null)
        or coalesce(min(going_on) = 0 or max(greatest(calls, rows, hit, read, dirtied, written, temp_read,
          temp_written)) > 2147483647, false)),
      $6, $7,
      $8 + (select count(*) filter (where d.old_id is null) - count(*) filter (where d.queryid is null) from changed d),
      array_agg(id) filter (where going_on = 0),
      coalesce(array_agg(id), '{}'),
      coalesce(array_agg(least(calls, 2147483647)::integer), '{}'),
      coalesce(array_agg((1000 * exec_ms)::bigint), '{}'),
      coalesce(array_agg(greatest(exec_sq, round(1000 * exec_ms) * round(1000 * exec_ms) / 1e6 / nullif(calls, 0), 0)::real), '{}'),
      case when bool_or(rows <> 0) then array_agg(least(rows, 2147483647)::integer) end,
      case when bool_or(hit <> 0) then array_agg(least(hit, 2147483647)::integer) end,
      case when bool_or(read <> 0) then array_agg(least(read, 2147483647)::integer) end,
      case when bool_or(dirtied <> 0) then array_agg(least(dirtied, 2147483647)::integer) end,
      case when bool_or(written <> 0) then array_agg(least(written, 2147483647)::integer) end,
      case when bool_or(temp_read <> 0) then array_agg(least(temp_read, 2147483647)::integer) end,
      case when bool_or(temp_written <> 0) then array_agg(least(temp_written, 2147483647)::integer) end,
      case when bool_or(plan_ms <> 0) then array_agg((1000 * plan_ms)::bigint) end,
      case when bool_or(read_ms <> 0) then array_agg((1000 * read_ms)::bigint) end,
      case when bool_or(write_ms <> 0) then array_agg((1000 * write_ms)::bigint) end,
      case when bool_or(wal_bytes <> 0) then array_agg(wal_bytes::bigint) end
    from delta
    $sql$,
    home,
    case when 'toplevel' = any(has) then '' else ', true as toplevel' end,
    case when 'shared_blk_read_time' = any(has) then 'shared_blk_read_time' else 'blk_read_time' end,
    case when 'shared_blk_write_time' = any(has) then 'shared_blk_write_time' else 'blk_write_time' end,
    case when 'stats_since' = any(has) then '' else ', null::timestamptz as stats_since' end,
    -- Has the entry begun anew? Newer versions say so; before, figures give it away that cannot have grown out of the old ones.
    case when 'stats_since' = any(has) then 'o.stats_since is distinct from o.stats_since0' else
      'o.calls <= o.calls0 or o.exec_ms < o.exec_ms0 or o.max_ms < o.max_ms0
       -- A new shortest or longest call is among those of the interval; the others must fit between the two.
       or (o.calls0 > 0 and (o.min_ms > o.min_ms0 or not _wedding_dbopt.is_possible(o.inner_calls, o.inner_ms, o.inner_sq,
             o.min_ms, o.max_ms, 1e-9 * o.exec_ms, 1e-9 * (o.exec_sq + o.max_ms * o.exec_ms))))
       or o.rows < o.rows0 or o.hit < o.hit0 or o.read < o.read0 or o.dirtied < o.dirtied0 or o.written < o.written0
       or o.temp_read < o.temp_read0 or o.temp_written < o.temp_written0 or o.plan_ms < o.plan_ms0
       or o.read_ms < o.read_ms0 or o.write_ms < o.write_ms0 or o.wal_bytes < o.wal_bytes0' end)
  using sample_statements.at, previous.at, base_line, was_reset and not base_line,
    info.dealloc is distinct from previous.dealloc, info.stats_reset, info.dealloc, previous.entries;

  if exists (select from _wedding_dbopt.statement s where s.id > last_id) then
    perform _wedding_dbopt.store_statement_texts(last_id);
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
