"""Readiness against the truth: what prepare_season() says will break first, and what breaks when the load is really raised.

The untuned platform is observed under its normal traffic. Then the same traffic is sent faster and faster, until every
context misses its objective. SCALE (0.2) and SECONDS (30, of each step) are read from the environment.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg

from tests.cluster import Cluster
from tests.workload import drive, load
from tests.workload.profiles import CONTEXTS

Session = psycopg.Connection[Any]

STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
OBSERVED_SECONDS = 180
PASS_SECONDS = 15


def observe(cluster: Cluster, session: Session) -> None:
    """Normal traffic, with a pass each quarter of a minute."""
    told = [0.0]

    def progress(passed: float) -> None:
        if passed - told[0] >= PASS_SECONDS:
            told[0] = passed
            session.execute("call wedding_dbopt.collect()")

    session.execute("call wedding_dbopt.collect()")
    drive.run(cluster.conninfo(user="authenticator"), "normal", OBSERVED_SECONDS, progress=progress, seed=1)
    session.execute("select _wedding_dbopt.classify_statements()")
    session.execute("select _wedding_dbopt.refresh_changed_contexts()")


def predicted(session: Session) -> dict[str, Any]:
    session.execute("select wedding_dbopt.prepare_season('wedding')")
    session.execute("call wedding_dbopt.tick()")
    row = session.execute("select wedding_dbopt.get_readiness()").fetchone()
    assert row is not None and row[0]["state"] == "finished", row
    result: dict[str, Any] = row[0]
    return result


def raise_load(cluster: Cluster, seconds: int) -> dict[str, float]:
    """The multiple of the normal load at which each context first misses its objective."""
    missed: dict[str, float] = {}
    for step in STEPS:
        result = drive.run(cluster.conninfo(user="authenticator"), "normal", seconds, time_scale=step, seed=1)
        shown = "  ".join(f"{name} {found.percentile_ms(95):.0f}" for name, found in result.contexts.items())
        print(f"  {step:5.1f} times: p95 in ms: {shown}", flush=True)
        for name, found in result.contexts.items():
            if not found.met:
                missed.setdefault(name, step)
        if len(missed) == len(CONTEXTS):
            break
    return missed


def run() -> None:
    scale = float(os.environ.get("SCALE", "0.2"))
    seconds = int(os.environ.get("SECONDS", "30"))
    with Cluster(shared_buffers="512MB", max_wal_size="4GB") as cluster:
        load.load(cluster.conninfo(), scale=scale, progress=lambda line: None)
        cluster.install("test", "hypopg")
        with cluster.connect() as session:
            session.execute("vacuum analyze")
            observe(cluster, session)
            told = predicted(session)
        season = told["scenarios"][0]
        measured = told["measured"]
        print(
            f"observed: {measured['calls_per_minute']} calls a minute, CPU {measured['cpu_percent']} % "
            f"({measured['cpu_percent_at_rest']} % at rest) of {measured['cpus']:g}; {'; '.join(told['notes'])}"
        )
        said = {one["what"]: one for one in season["breaks"]}
        truth = raise_load(cluster, seconds)
    print(f"  {'':18}{'said to break at':>18}{'broke between':>18}")
    for name in sorted(CONTEXTS, key=lambda name: truth.get(name, 99)):
        at = f"{said[name]['at_factor']:.1f}" if name in said else "never"
        before = max((step for step in STEPS if step < truth.get(name, 99)), default=0)
        between = f"{before:g} and {truth[name]:g}" if name in truth else f"not at {STEPS[-1]:g}"
        print(f"  {name:18}{at:>18}{between:>18}")
    print(f"  cpu: 90 % said at {said['cpu']['at_factor'] if 'cpu' in said else 'never'}")
    first_said = min((one for one in said if one in CONTEXTS), key=lambda name: said[name]["at_factor"])
    earliest = min(truth.values(), default=0)
    first_true = sorted(name for name, step in truth.items() if step == earliest)
    print(f"  said to break first: {first_said}; broke first: {', '.join(first_true)}")
