"""What the read functions cost on a month of history, against the bar of 300 ms; a Supabase client is given 3 s."""

from __future__ import annotations

import os
import time

from tests.bench.measure import cpu_ms
from tests.cluster import Cluster

STATEMENTS = int(os.environ.get("STATEMENTS", "5000"))
DAYS = int(os.environ.get("DAYS", "30"))
BAR_MS = 300
CALLS = (
    "select wedding_dbopt.get_latest_metrics()",
    "select * from wedding_dbopt.get_query_history('77', '24h')",
    "select * from wedding_dbopt.get_query_history('77', '30d')",
    "select * from wedding_dbopt.get_query_performance()",
    "select * from wedding_dbopt.get_query_performance(time_window => '7 days')",
    "select * from wedding_dbopt.get_query_performance(time_window => '30 days')",
    "select * from wedding_dbopt.get_connection_stats()",
    "select * from wedding_dbopt.get_index_usage_stats()",
    "select * from wedding_dbopt.get_wait_events()",
    "select * from wedding_dbopt.get_lock_waits()",
    "select * from wedding_dbopt.get_statement_resources()",
    "select wedding_dbopt.analyze_load_patterns()",
    "select wedding_dbopt.analyze_load_patterns('30 days')",
    "select * from wedding_dbopt.get_forecast()",
    "select * from wedding_dbopt.get_forecast(step => 'hour')",
    "select wedding_dbopt.get_capacity()",
    "select wedding_dbopt.get_season()",
    "select wedding_dbopt.get_metrics('24h')",
    "select wedding_dbopt.get_metrics('7d')",
    "select wedding_dbopt.get_metrics('30d')",
    "select * from wedding_dbopt.get_objectives()",
    "select * from wedding_dbopt.get_objectives('7 days')",
    "select * from wedding_dbopt.get_objectives('30 days')",
    "select * from wedding_dbopt.get_error_budgets()",
    "select * from wedding_dbopt.get_alerts()",
    "select * from wedding_dbopt.get_work_window()",
    "select * from wedding_dbopt.get_collection_stats()",
    "select * from wedding_dbopt.get_baselines()",
    "select wedding_dbopt.compare_baselines('then')",
    "select * from wedding_dbopt.get_recommendations()",
    "select * from wedding_dbopt.get_actions()",
    "select * from wedding_dbopt.get_calibration()",
    "select * from wedding_dbopt.check_installation()",
    "select * from wedding_dbopt.findings()",
    "select * from wedding_dbopt.health()",
    "select wedding_dbopt.report_html()",
    "select wedding_dbopt.report_html(now() - interval '30 days')",
)
HISTORY = """
insert into _wedding_dbopt.statement
  (queryid, dbid, userid, toplevel, first_seen, kind, tables, context, criticality, classified_at)
select g, d.oid, 10, true, now() - interval '40 days', 'select', array['public.t' || g % 50],
       (array['booking', 'vendor_search', 'payment', 'timeline', 'guest_management', 'other'])[1 + g % 6], 'high', now()
from generate_series(1, {statements}) g, pg_database d where d.datname = current_database();
insert into _wedding_dbopt.statement_hour (hour, chunk, ids, calls, exec_us, exec_sq, rows, hit, read)
select h, _wedding_dbopt.chunk_of(s.id), array_agg(s.id order by s.id), array_agg(60), array_agg(300000), array_agg(2000),
       array_agg(60),
       array_agg(600), array_agg(6)
from _wedding_dbopt.statement s,
     generate_series(date_trunc('hour', now() - interval '{days} days'), now() - interval '1 hour', '1 hour') h
where s.id % 10 <> extract(hour from h)::integer % 10
group by h, _wedding_dbopt.chunk_of(s.id);
insert into _wedding_dbopt.rolled_hour (hour, passes, observed_s, complete)
select distinct hour, 60, 3600, true from _wedding_dbopt.statement_hour;
insert into _wedding_dbopt.statement_sample
  (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows, hit, read)
select m, m - interval '1 minute', true, array_agg(s.id order by s.id), array_agg(2), array_agg(10000), array_agg(60),
       array_agg(2), array_agg(20), array_agg(1)
from generate_series(now() - interval '24 hours', now(), '1 minute') m, _wedding_dbopt.statement s
where s.id % 10 = extract(minute from m)::integer % 10
group by m;
insert into _wedding_dbopt.connection_sample
  (at, samples, active, idle, idle_in_transaction, waiting, total, active_avg, max_connections, reserved, by_role, wait_events)
select m, 6, 5, 20, 1, 0, 26, 5, 100, 3, '{{"web": {{"active_avg": 4}}, "api": {{"active_avg": 1}}}}',
       '{{"IO:DataFileRead": 3}}'
from generate_series(now() - interval '24 hours', now(), '1 minute') m;
insert into _wedding_dbopt.system_sample
  (at, cpu_percent, cpus, memory_total, memory_available, backend_memory, disk_total, disk_free)
select m, 30, 4, 16e9, 8e9, 1e7, 1e11, 5e10 from generate_series(now() - interval '24 hours', now(), '1 minute') m;
insert into _wedding_dbopt.relation_size (day, at, relids, bytes)
select d::date, d, array_agg(g::oid), array_agg(g * 1000)
from generate_series(now() - interval '28 days', now(), '1 day') d, generate_series(1, 2000) g
group by d on conflict do nothing;
select _wedding_dbopt.store_contexts('-infinity', 'infinity');
select _wedding_dbopt.roll_up_contexts(min(hour), max(hour)) from _wedding_dbopt.rolled_hour;
select _wedding_dbopt.roll_up_days(now());
select _wedding_dbopt.refresh_recent(now());
select _wedding_dbopt.refresh_days(now());
select _wedding_dbopt.fit_load(now()) from generate_series(1, 10);
select wedding_dbopt.create_baseline('then', time_window => '1 day', at => now() - interval '2 days');
analyze
"""


def run() -> None:
    with Cluster() as cluster:
        cluster.install("test", "hypopg")
        with cluster.connect() as session:
            session.execute("call wedding_dbopt.maintain()")
            session.execute(HISTORY.format(statements=STATEMENTS, days=DAYS).encode())
            print(f"\n  {STATEMENTS} statements, {DAYS} days of hours, 24 h of minutes; best of 5")
            print(f"  {'':80} {'CPU ms':>8} {'wall ms':>8}   (CPU: bar {BAR_MS})")
            for call in CALLS:
                wall, cpu = [], []
                for _ in range(5):
                    started, used = time.monotonic(), cpu_ms(session)
                    session.execute(call.encode())
                    wall.append(time.monotonic() - started)
                    cpu.append(cpu_ms(session) - used)
                print(
                    f"  {call[:80]:80} {min(cpu):8.1f} {1000 * min(wall):8.1f} {'OVER' if min(cpu) > BAR_MS else ''}",
                    flush=True,
                )
