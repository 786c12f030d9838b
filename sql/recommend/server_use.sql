create or replace function _wedding_dbopt.server_use(since timestamptz, until timestamptz)
returns table (hours numeric, memory bigint, memory_available bigint, backend_memory bigint, connections_peak integer, active_peak integer,
               connections_usable integer, by_role jsonb, season_factor numeric, disk_free bigint, disk_total bigint, requested_checkpoints bigint,
               timed_checkpoints bigint, wal_bytes numeric, blocks_hit bigint, blocks_read bigint, read_blocks bigint, read_ms float8, temp_bytes numeric,
               deadlocks bigint, longest_wait_s numeric, autovacuum_workers_peak integer)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with session as materialized (
    select c.at, greatest(c.total_max, c.total) as total, greatest(c.active_max, c.active) as active, c.max_connections - c.reserved as usable, c.by_role
    from _wedding_dbopt.connection_sample c where c.at > server_use.since and c.at <= server_use.until
  ), machine as materialized (
    select m.* from _wedding_dbopt.system_sample m where m.at > server_use.since and m.at <= server_use.until
  ), role as (
    select r.key as name, max((r.value ->> 'max')::integer) as most from session s cross join lateral jsonb_each(s.by_role) r group by r.key
  ), reads as (
    select sum(d.read) as blocks, sum(d.read_ms) as ms from _wedding_dbopt.statement_delta(server_use.since, server_use.until) d where d.read_ms > 0
  )
  select round((extract(epoch from (select max(m.at) - min(m.at) from machine m)) / 3600)::numeric, 3),
         (select m.memory_total from machine m where m.memory_total is not null order by m.at desc limit 1), (select min(m.memory_available) from machine m),
         (select m.backend_memory from machine m where m.backend_memory is not null order by m.at desc limit 1),
         (select max(s.total) from session s), (select max(s.active) from session s), (select s.usable from session s order by s.at desc limit 1),
         (select coalesce(jsonb_object_agg(r.name, r.most), '{}') from role r), _wedding_dbopt.season_factor(server_use.until),
         -- The disk is looked at each quarter of an hour, so it may lie before a short window.
         d.disk_free, d.disk_total,
         (select sum(m.checkpoints_requested) from machine m)::bigint, (select sum(m.checkpoints_timed) from machine m)::bigint, (select sum(m.wal_bytes) from machine m),
         (select sum(m.blks_hit) from machine m)::bigint, (select sum(m.blks_read) from machine m)::bigint, reads.blocks::bigint, reads.ms,
         (select sum(m.temp_bytes) from machine m), (select sum(m.deadlocks) from machine m)::bigint,
         (select max(l.longest_wait_s) from _wedding_dbopt.lock_sample l where l.at > server_use.since and l.at <= server_use.until),
         (select max(m.autovacuum_workers) from machine m)
  from reads left join lateral (
    select m.disk_free, m.disk_total from _wedding_dbopt.system_sample m
    where m.disk_free is not null and m.at <= server_use.until order by m.at desc limit 1) d on true
$$;
comment on function _wedding_dbopt.server_use(timestamptz, timestamptz) is
  'What the machine and the server were used for in a window: memory, most connections seen in all and by role, checkpoints, WAL, measured reads, temporary files, locks. Null = not sampled.';
