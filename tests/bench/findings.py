"""What findings() finds: nothing on a sound database, each planted fault, and what it costs on a large one."""

from __future__ import annotations

import statistics
import time

from tests.bench.measure import cpu_ms
from tests.cluster import Cluster
from tests.workload.faults import FAULTS
from tests.workload.health_check import SETTLED_S, findings, found, mend, planted, sound_cluster

TABLES = 300
LIMIT_MS = 300
MANY = """
do $$
begin
  for n in 1..{tables} loop
    execute format('create table public.t%s (
      id bigint generated always as identity primary key, vendor bigint, day date, name text)', n);
    execute format('create index on public.t%1$s (vendor, day); create index on public.t%1$s (day, name)', n);
    execute format('insert into public.t%s (vendor, day, name)
                    select g, current_date, md5(g::text) from generate_series(1, 200) g', n);
  end loop;
end $$;
analyze
"""


def _one_by_one(cluster: Cluster) -> None:
    recognised = alone = mended = curable = 0
    for fault in FAULTS:
        with planted(cluster, "one", [fault]) as name:
            time.sleep(SETTLED_S)
            rows = findings(cluster, name)
            key = found(fault, rows, name)
            recognised += key is not None
            alone += key is not None and len(rows) == 1
            left = None
            if fault.mends:
                curable += 1
                failed = mend(cluster, name, rows)
                time.sleep(SETTLED_S)
                left = findings(cluster, name)
                mended += not left and not failed
            others = [other for other in rows if other != key]
            end = "" if left is None else "mended" if left == {} else f"LEFT {', '.join(left)}"
            beside = f"   beside: {', '.join(others)}" if others else ""
            print(f"  {'found' if key else 'MISSED':7} {end:8} {fault.key}{beside}", flush=True)
    print(
        f"\n  {recognised} of {len(FAULTS)} faults found, {alone} as the only finding; "
        f"{mended} of {curable} remedies in SQL left nothing to find\n"
    )


def _together(cluster: Cluster) -> None:
    with planted(cluster, "together", FAULTS) as name:
        time.sleep(SETTLED_S)
        rows = findings(cluster, name)
        missed = [fault.key for fault in FAULTS if found(fault, rows, name) is None]
        print(
            f"  all {len(FAULTS)} faults in one database: {len(FAULTS) - len(missed)} found"
            f" in {len(rows)} findings {missed or ''}"
        )
        failed = mend(cluster, name, rows)
        time.sleep(SETTLED_S)
        left = findings(cluster, name)
        kept = [fault.key for fault in FAULTS if fault.mends and found(fault, left, name)]
        print(f"  after all remedies {len(kept)} of those that SQL mends are left {kept or ''}\n")
        for reason in failed:
            print(f"  not done: {reason}")


def run() -> None:
    with sound_cluster() as cluster:
        with planted(cluster, "faultless", []) as name:
            rows = findings(cluster, name)
            print(f"\n  findings on the sound platform: {len(rows)} {list(rows) or ''}\n")
        _one_by_one(cluster)
        _together(cluster)
        with cluster.connect("sound") as session:
            session.execute(MANY.format(tables=TABLES).encode())
            cpu, wall = [], []
            for _ in range(7):
                began, started = cpu_ms(session), time.monotonic()
                session.execute("select count(*) from wedding_dbopt.findings()")
                cpu.append(cpu_ms(session) - began)
                wall.append(1000 * (time.monotonic() - started))
            print(
                f"  findings() with {TABLES} tables and {3 * TABLES} indexes: first {cpu[0]:.0f} ms CPU, "
                f"then {statistics.median(cpu[1:]):.0f} ms CPU, {statistics.median(wall[1:]):.0f} ms wall (target {LIMIT_MS})"
            )
