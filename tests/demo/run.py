"""The demo: an untuned wedding platform in season, the whole loop at work on it, and what came of it.

Everything runs in a throw-away cluster; pg_cron collects, tunes, verifies and rolls back as it would in production,
only with a verification window of a minute instead of half an hour.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.cluster import Cluster
from tests.workload import drive, load

SERVER = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    "effective_cache_size": "2GB",
    "autovacuum_naptime": "15s",
}
DEMO_SETTINGS = {
    "verification_min_window": "45 s",
    "verification_max_window": "95 s",
    "verification_min_calls": "20",
    "apply_retry_delay": "20 s",
}
SECONDS = int(os.environ.get("DEMO_SECONDS", "80"))
REPORT = Path("build/out/demo-report.html")
Session = psycopg.Connection[Any]

_started = time.monotonic()


def say(text: str) -> None:
    """A line of progress with the minutes and seconds since the start."""
    passed = int(time.monotonic() - _started)
    print(f"{passed // 60:2d}:{passed % 60:02d}  {text}", flush=True)


def traffic(cluster: Cluster, title: str, seconds: int) -> drive.Result:
    """Send the season's traffic and show what users felt."""
    say(f"{title}: profile season for {seconds} s")
    told = [0.0]

    def progress(passed: float) -> None:
        if passed - told[0] >= 15:
            told[0] = passed
            say(f"  {passed:.0f} of {seconds} s")
            # A verdict needs four passes before the change, so here they come faster.
            with cluster.connect() as session:
                session.execute("call wedding_dbopt.collect()")

    result = drive.run(cluster.conninfo(user="authenticator"), "season", seconds, progress=progress)
    print(result.table(), flush=True)
    return result


@contextmanager
def traffic_going_on(cluster: Cluster) -> Iterator[None]:
    """The season's traffic goes on while something else happens: nobody stops the platform for a tuning."""
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            drive.run(cluster.conninfo(user="authenticator"), "season", 5)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        ended.set()
        sender.join()


def wait_for(what: str, answer: Callable[[], Any], limit: float) -> Any:
    """Ask every two seconds until there is an answer, saying how long it has taken; TimeoutError at the limit."""
    say(f"waiting for {what}")
    start = told = time.monotonic()
    while not (found := answer()):
        if time.monotonic() - start > limit:
            raise TimeoutError(f"{what} did not come within {limit:.0f} s")
        if time.monotonic() - told >= 20:
            told = time.monotonic()
            say(f"  still waiting ({told - start:.0f} s)")
        time.sleep(2)
    return found


def value(session: Session, query: str, *parameters: Any) -> Any:
    row = session.execute(query, parameters).fetchone()
    return row[0] if row else None


def catalogue(session: Session) -> list[str]:
    """Definitions of every index of the platform."""
    rows = session.execute(
        "select indexdef from pg_indexes where schemaname = 'public' order by indexdef"
    ).fetchall()
    return [row[0] for row in rows]


def table(headings: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Print rows under headings, columns as wide as they need."""
    cells = [headings, *[tuple("-" if cell is None else str(cell) for cell in row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for number, row in enumerate(cells):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
    print(flush=True)


def set_up(cluster: Cluster, scale: float) -> Session:
    say(f"loading the wedding platform, scale {scale:g}")
    load.load(cluster.conninfo(), scale=scale, progress=lambda line: say(f"  {line}"))
    say("installing the extension, scheduling its jobs with pg_cron")
    cluster.install("test", "hypopg", "pg_cron")
    session = cluster.connect()
    for name, setting in DEMO_SETTINGS.items():
        session.execute("select wedding_dbopt.set_setting(%s, %s)", [name, setting])
    session.execute("select wedding_dbopt.schedule_jobs()")
    session.execute("call wedding_dbopt.collect()")
    return session


def tune(session: Session) -> int:
    """Ask for a tuning as an application would, and let pg_cron carry it out."""
    run = value(session, "select wedding_dbopt.optimize_database('moderate', true) #>> '{result,run_id}'")
    say(f"optimize_database() answered with run {run}; the tick analyses the workload and builds")

    def applied() -> bool:
        state = value(session, "select state from _wedding_dbopt.tuning_run where id = %s", run)
        if state == "failed":
            raise RuntimeError(
                value(session, "select error from _wedding_dbopt.tuning_run where id = %s", run)
            )
        open_actions = "select count(*) from _wedding_dbopt.action where run_id = %s and state in ('approved', 'applying')"
        return state in ("verifying", "finished") and value(session, open_actions, run) == 0

    wait_for("the indexes", applied, 240)
    considered, calls = session.execute(
        "select statements_considered, explain_calls from _wedding_dbopt.tuning_run where id = %s", [run]
    ).fetchone() or (0, 0)
    say(f"{considered} statements considered with {calls} what-if plans")
    for state, number in session.execute(
        "select state, count(*) from _wedding_dbopt.action where run_id = %s group by 1", [run]
    ).fetchall():
        say(f"  {number} actions {state}")
    return int(run)


def verify(session: Session, run: int) -> None:
    session.execute("call wedding_dbopt.collect()")
    wait_for(
        "the verdicts",
        lambda: value(session, "select state = 'finished' from _wedding_dbopt.tuning_run where id = %s", run),
        150,
    )


def compare(before: drive.Result, after: drive.Result) -> int:
    """Print users' latencies before and after; how many objectives are met now that were not."""

    def met(done: drive.ContextResult) -> str:
        return "met" if done.met else "missed"

    rows: list[tuple[Any, ...]] = []
    for name, first in before.contexts.items():
        last = after.contexts[name]
        for when, done in (("before", first), ("after", last)):
            rows.append(
                (
                    name,
                    when,
                    done.done,
                    f"{done.average_ms:.1f}",
                    f"{done.percentile_ms(95):.1f}",
                    f"{done.percentile_ms(99):.1f}",
                    f"{100 * done.success:.2f} %",
                    f"{done.objective_ms:g} ms {met(done)}",
                )
            )
    print("\nWhat users felt (milliseconds from the scheduled arrival):\n")
    table(("context", "", "calls", "average", "p95", "p99", "success", "objective (p95)"), rows)
    return sum(after.contexts[name].met and not first.met for name, first in before.contexts.items())


def show_actions(session: Session, run: int) -> None:
    print("Actions, estimated against measured (percent of the affected statements' time saved):\n")
    rows = session.execute(
        """select id, state, wedding_context, estimated_impact::numeric(5,1), measured_impact::numeric(5,1),
                  pg_size_pretty(estimated_bytes), pg_size_pretty(measured_bytes), rollback_sql
           from _wedding_dbopt.action where run_id = %s order by id""",
        [run],
    ).fetchall()
    table(("id", "state", "context", "est.", "meas.", "est. size", "size", "rollback SQL"), rows)
    for identity, sql, verdict in session.execute(
        "select id, sql, verdict from _wedding_dbopt.action where run_id = %s order by id", [run]
    ).fetchall():
        print(f"  {identity}: {sql}\n      {verdict}")
    print(flush=True)


def undo_one(session: Session, original: list[str]) -> bool:
    """Roll one kept action back and compare the catalogue with what it was."""
    chosen = session.execute(
        "select id, object_name, table_name from _wedding_dbopt.action where state = 'kept' order by id limit 1"
    ).fetchone()
    if chosen is None:
        say("no action was kept, so there is none to roll back")
        return False
    identity, name, relation = chosen
    say(f"rolling back action {identity}, {name}")
    session.execute("select wedding_dbopt.rollback_action(%s)", [identity])
    session.execute("call wedding_dbopt.tick()")
    wait_for(
        "the rollback",
        lambda: value(
            session, "select state = 'rolled_back' from _wedding_dbopt.action where id = %s", identity
        ),
        90,
    )
    # The clock goes on meanwhile: indexes of a later run may be on trial.
    stand = "select object_name from _wedding_dbopt.action where state = any (%s) and object_name is not null"
    others = {row[0] for row in session.execute(stand, [["applying", "verifying", "kept"]])}
    now = [
        definition for definition in catalogue(session) if not any(other in definition for other in others)
    ]
    print(f"\nIndexes of {relation} after the rollback:")
    for definition in [
        line for line in catalogue(session) if f" {relation} " in line or f".{relation} " in line
    ]:
        print(f"  {definition}")
    same = now == original
    print(
        f"  apart from the actions that stand the catalogue is {'identical to' if same else 'DIFFERENT FROM'} what it was\n"
    )
    for sign, lines in (("+", set(now) - set(original)), ("-", set(original) - set(now))):
        for line in sorted(lines):
            print(f"  {sign} {line}")
    return same


def report(session: Session, since: Any) -> None:
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    page = "select wedding_dbopt.report_html(since => %s, title => 'Wedding platform, season demo')"
    REPORT.write_text(value(session, page, since))
    say(f"report: {REPORT}")


def main() -> int:
    scale = float(os.environ.get("SCALE", "1"))
    say("starting a throw-away cluster")
    with Cluster(**SERVER) as cluster:
        session = set_up(cluster, scale)
        original = catalogue(session)
        since = value(session, "select clock_timestamp()")
        before = traffic(cluster, "untuned", SECONDS)
        with traffic_going_on(cluster):
            run = tune(session)
        after = traffic(cluster, "tuned", SECONDS + 15)
        verify(session, run)
        improved = compare(before, after)
        show_actions(session, run)
        identical = undo_one(session, original)
        report(session, since)
        session.close()
    say(f"{improved} of {len(before.contexts)} objectives are met that were not before")
    return 0 if improved and identical else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; the throw-away cluster is gone")
