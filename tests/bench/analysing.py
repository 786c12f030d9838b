"""What analyze_query costs: the statements of the wedding platform, warm and in a fresh backend, and one of 200 kB.

Every analysis includes the search for indexes where HypoPG is there, so it is also timed without HypoPG. Times are those
the caller waits; CPU is that of his backend, which other work on the machine hardly lengthens. The statements are all those
of the traffic's scripts; one of them asks for a full-text index, which is proved on a sample of rows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench.measure import Session, cpu_ms
from tests.cluster import Cluster
from tests.workload import load

SCRIPTS = Path(__file__).parents[1] / "workload" / "scripts"
SCALE = 0.05
ROUNDS = 3
FRESH = 8
LEVEL = "moderate"
_OURS = re.compile(r"workload\.|set_config")
SLOWEST = 5
WARM_BAR = 60.0
ADVISED_BAR = 100.0
FRESH_BAR = 400.0


def platform_statements() -> list[str]:
    """The statements of the traffic's scripts, with parameters in the place of pgbench's variables."""
    found = []
    for path in sorted(SCRIPTS.glob("*.sql")):
        lines = [line for line in path.read_text().splitlines() if line[:1] != "\\" and line[:2] != "--"]
        for part in re.split(r";\s*$|\\gset\s*$", "\n".join(lines), flags=re.MULTILINE):
            statement = _with_parameters(part.strip())
            if re.match(r"(select|insert|update|delete|with)\b", statement) and not _OURS.search(statement):
                found.append(statement)
    return found


def _with_parameters(text: str) -> str:
    names = list(dict.fromkeys(re.findall(r"(?<!:):'?([a-z_]+)'?", text)))
    for number, name in enumerate(names, 1):
        text = re.sub(rf"(?<!:):'?{name}\b'?", f"${number}", text)
    return text


_SHARES = (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("max", 1.0))


@dataclass(frozen=True)
class Timing:
    """What one analysis of a statement took, in milliseconds."""

    text: str
    wall: float
    cpu: float


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def show(name: str, bar: float, timings: Sequence[Timing]) -> None:
    """Half of the calls, nine tenths, all but 5 % and all of them, beside what they are to stay below; and the slowest."""
    for kind, values in (("wall", [one.wall for one in timings]), ("CPU", [one.cpu for one in timings])):
        shown = "  ".join(f"{label} {percentile(values, share):6.1f}" for label, share in _SHARES)
        below = sum(value < bar for value in values)
        print(f"  {name:44} {kind:4} {shown} ms   below {bar:.0f}: {below} of {len(values)}", flush=True)
    slowest: dict[str, float] = {}
    for one in timings:
        slowest[one.text] = min(one.cpu, slowest.get(one.text, one.cpu))
    for text, cpu in sorted(slowest.items(), key=lambda pair: -pair[1])[:SLOWEST]:
        print(f"    CPU {cpu:6.1f}  {' '.join(text.split())[:110]}")


def timed(session: Session, text: str) -> Timing:
    """One analysis."""
    used, started = cpu_ms(session), time.monotonic()
    session.execute("select wedding_dbopt.analyze_query(%s, optimization_level => %s)", [text, LEVEL])
    return Timing(text, 1000 * (time.monotonic() - started), cpu_ms(session) - used)


def warm(session: Session, statements: Sequence[str]) -> tuple[list[Timing], list[str]]:
    """Each statement several times, after one time that is not counted; those that cannot be planned are named."""
    timings, refused = [], []
    for text in statements:
        try:
            timed(session, text)
        except psycopg.Error as error:
            refused.append(f"{error.sqlstate}: {text[:60]!r}")
            continue
        timings += [timed(session, text) for _ in range(ROUNDS)]
    return timings, refused


def run() -> None:
    with Cluster() as cluster:
        load.load(
            {"host": cluster.host, "port": cluster.port, "dbname": "test", "user": "postgres"},
            SCALE,
            None,
            lambda _: None,
        )
        cluster.install("test", "hypopg")
        statements = platform_statements()
        with cluster.connect() as admin:
            admin.execute(
                "create role app login; grant service_role to app; select wedding_dbopt.grant_access('app', 'analyze')"
            )
        print(f"\n  {len(statements)} statements of the platform, level {LEVEL}")
        both(cluster, statements, "with index advice", ADVISED_BAR)
        fresh = []
        for number in range(FRESH):
            with cluster.connect("test", "app") as session:
                fresh.append(timed(session, statements[number * len(statements) // FRESH]))
        show("fresh backend, with index advice, a role", FRESH_BAR, fresh)
        values = ", ".join(f"'{number:032x}'" for number in range(5_600))
        long = f"select status from bookings where id in ({values})"
        with cluster.connect("test", "app") as session:
            timed(session, statements[0])
            one = timed(session, long)
            row = session.execute("select wedding_dbopt.analyze_query(%s) -> 'reason'", [long]).fetchone()
        print(
            f"  a statement of {len(long):,} characters: {one.wall:,.0f} ms, CPU {one.cpu:,.0f} ms; {row[0] if row else ''}"
        )
        with cluster.connect() as admin:
            admin.execute("drop extension hypopg")
        both(cluster, statements, "without index advice", WARM_BAR)


def both(cluster: Cluster, statements: Sequence[str], what: str, bar: float) -> None:
    """Warm, as a role that owns nothing and as a superuser, whose statements need a role to be planned as."""
    for user, name in (("app", "a role"), ("postgres", "a superuser")):
        with cluster.connect("test", user) as session:
            timings, refused = warm(session, statements)
        show(f"warm, {what}, {name}", bar, timings)
        for line in refused:
            print(f"    refused, {line}")
