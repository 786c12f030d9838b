-- The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal in ticks since boot.
create or replace function _wedding_dbopt.probe_cpu(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  stat    constant text := pg_read_file('/proc/stat', 0, 65536);
  ticks   constant bigint[] := (string_to_array(substring(stat from '^cpu +([0-9 ]+)'), ' ')::bigint[])[1:8];
  old     bigint[];
  elapsed bigint;
  resting bigint;
begin
  select s.cpu_jiffies into old from _wedding_dbopt.system_sample s where s.at < probe_cpu.at order by s.at desc limit 1;
  select sum(part.now - part.old), sum(part.now - part.old) filter (where part.place in (4, 5)) into elapsed, resting
  from unnest(ticks, old) with ordinality as part(now, old, place);
  return jsonb_build_object(
    'cpu_percent', case when elapsed > 0 then least(100, greatest(0, round(100.0 * (elapsed - resting) / elapsed, 1))) end,
    'cpus', (select count(*) from regexp_matches(stat, '\ncpu[0-9]+ ', 'g')),
    'cpu_jiffies', to_jsonb(ticks));
end $$;
comment on function _wedding_dbopt.probe_cpu(timestamptz) is
  'CPU use of the machine in percent since the last sample (null in the first), and the ticks to compare the next one with.';
