"""How the benchmarks measure: CPU time of the server's backend and WAL bytes, interleaved, the median of several rounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

Session = psycopg.Connection[Any]
#: What nobody who collects statements can avoid.
FLOOR = "select count(*) from pg_stat_statements(false)"


@dataclass(frozen=True)
class Figure:
    """CPU milliseconds of one call, the median and the least, and its median WAL bytes."""

    cpu_ms: float
    least_ms: float
    wal_bytes: float


def cpu_ms(session: Session) -> float:
    """CPU time the session's backend has used so far, in ms (Linux counts nanoseconds on the processor)."""
    return int(Path(f"/proc/{session.info.backend_pid}/schedstat").read_text().split()[0]) / 1e6


def wal_position(session: Session) -> int:
    row = session.execute("select (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()
    assert row is not None
    return int(row[0])


def interleaved(
    session: Session,
    candidates: Mapping[str, Callable[[], Any]],
    rounds: int,
    calls: int = 1,
    prepare: Callable[[], Any] = lambda: None,
    begin: Callable[[], Any] = lambda: None,
    own: Mapping[str, Session] | None = None,
) -> dict[str, Figure]:
    """Run the candidates in turn, `calls` times a round, and take the median per call of each.

    `begin` is called before each round, `prepare` before each candidate. A candidate that does not run in `session` names
    its `own`.
    """
    cpu: dict[str, list[float]] = {name: [] for name in candidates}
    wal: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        begin()
        for name, call in candidates.items():
            prepare()
            measured = (own or {}).get(name, session)
            started, written = cpu_ms(measured), wal_position(session)
            for _ in range(calls):
                call()
            cpu[name].append((cpu_ms(measured) - started) / calls)
            wal[name].append((wal_position(session) - written) / calls)
    return {
        name: Figure(statistics.median(cpu[name]), min(cpu[name]), statistics.median(wal[name]))
        for name in candidates
    }


def show(figures: Mapping[str, Figure], floor: str, bars: Mapping[str, str] | None = None) -> None:
    """A table with the ratio of each CPU figure to the floor's, of the medians and of the least, and what is aimed at."""
    print(f"  {'':44} {'CPU ms':>9} {'least':>9} {'x floor':>8} {'least':>6} {'WAL bytes':>11}")
    unit = figures[floor]
    for name, figure in figures.items():
        ratios = f"{figure.cpu_ms / unit.cpu_ms:8.2f} {figure.least_ms / unit.least_ms:6.2f}"
        bar = (bars or {}).get(name, "")
        print(
            f"  {name:44} {figure.cpu_ms:9.3f} {figure.least_ms:9.3f} {ratios} {figure.wal_bytes:11.0f}   {bar}",
            flush=True,
        )
