"""What analyze_query costs: the statements of the wedding platform, warm and in a fresh backend, and one of 200 kB.

The floor is one plain EXPLAIN of the same statements. Times are those the caller waits; CPU is that of his backend, which
other work on the machine does not lengthen.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
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
WARM_BAR = 60.0
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


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def show(name: str, bar: float, wall: Sequence[float], cpu: Sequence[float]) -> None:
    """Half of the calls and all but 5 % of them, beside what both are to stay below."""
    print(
        f"  {name:40} wall p50 {percentile(wall, 0.5):7.1f}  p95 {percentile(wall, 0.95):7.1f}   "
        f"CPU p50 {percentile(cpu, 0.5):7.1f}  p95 {percentile(cpu, 0.95):7.1f} ms   bar {bar:.0f}   n {len(wall)}",
        flush=True,
    )


def timed(session: Session, text: str) -> tuple[float, float]:
    """Wall and CPU milliseconds of one analysis."""
    used, started = cpu_ms(session), time.monotonic()
    session.execute("select wedding_dbopt.analyze_query(%s, optimization_level => %s)", [text, LEVEL])
    return 1000 * (time.monotonic() - started), cpu_ms(session) - used


def warm(session: Session, statements: Sequence[str]) -> tuple[list[float], list[float], list[str]]:
    """Each statement several times, after one time that is not counted; those that cannot be planned are named."""
    wall, cpu, refused = [], [], []
    for text in statements:
        try:
            timed(session, text)
        except psycopg.Error as error:
            refused.append(f"{error.sqlstate}: {text[:60]!r}")
            continue
        for _ in range(ROUNDS):
            waited, used = timed(session, text)
            wall.append(waited)
            cpu.append(used)
    return wall, cpu, refused


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
        for user in ("app", "postgres"):
            with cluster.connect("test", user) as session:
                wall, cpu, refused = warm(session, statements)
                show(
                    f"warm, as {'an ordinary role' if user == 'app' else 'a superuser'}", WARM_BAR, wall, cpu
                )
                for line in refused:
                    print(f"    refused, {line}")
        fresh = []
        for number in range(FRESH):
            with cluster.connect("test", "app") as session:
                fresh.append(timed(session, statements[number * len(statements) // FRESH]))
        show(
            "fresh backend, as an ordinary role",
            FRESH_BAR,
            [wall for wall, _ in fresh],
            [cpu for _, cpu in fresh],
        )
        values = ", ".join(f"'{number:032x}'" for number in range(5_600))
        long = f"select status from bookings where id in ({values})"
        with cluster.connect("test", "app") as session:
            timed(session, statements[0])
            waited, used = timed(session, long)
            row = session.execute("select wedding_dbopt.analyze_query(%s) -> 'reason'", [long]).fetchone()
        print(
            f"  a statement of {len(long):,} characters: {waited:,.0f} ms, CPU {used:,.0f} ms; {row[0] if row else ''}"
        )
