"""Refresh materialised views by a schedule, without locking their readers.

Why: a materialised view that nobody refreshes answers with old figures; a plain refresh locks readers out.
Sound when: it is read, its tables changed since it was last filled, it has a unique index on plain columns (which CONCURRENTLY
needs), and pg_cron is there. How old its answers may be is a decision of people, so a person approves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wedding_dbopt.settings.advice import Advice, Target, literal
from wedding_dbopt.settings.figures import MIN_HOURS, Server

KIND = "cache_optimization"
#: Minutes between two refreshes: how old answers may be is for people to say, this is where they begin.
MINUTES = 60
SCHEDULE = "7 * * * *"


@dataclass(frozen=True)
class View:
    """A materialised view in the window: `scans` of it, rows `changed` in its tables, `refreshes` seen."""

    name: str
    schema: str
    view: str
    scans: int
    changed: int
    refreshes: int
    unique_index: bool
    populated: bool
    hours: float


def precondition(views: Sequence[View], server: Server, cron: bool, scheduled: Sequence[str]) -> list[View]:
    """Views that are read, out of date, and refreshed by nobody; `scheduled` are the names and commands of jobs."""
    if not cron or server.hours < MIN_HOURS:
        return []
    return [
        view
        for view in views
        if view.scans > 0
        and view.changed > 0
        and view.refreshes == 0
        and view.unique_index
        and view.populated
        and not any(_refreshes(entry, view) for entry in scheduled)
    ]


def _refreshes(entry: str, view: View) -> bool:
    """Whether a job, by its name or its command, is about this view."""
    return entry == job(view) or (
        "refresh" in entry.lower() and (view.name in entry or f" {view.view}" in entry)
    )


def job(view: View) -> str:
    """The name of its job."""
    return f"wedding_dbopt refresh {view.name}"


def advise(
    views: Sequence[View], server: Server, cron: bool, scheduled: Sequence[str] = ()
) -> Iterator[Advice]:
    for view in precondition(views, server, cron, scheduled):
        command = f"refresh materialized view concurrently {view.name}"
        yield Advice(
            kind=KIND,
            rule="refresh",
            target=Target("materialized view", view.view, view.schema, view.view),
            sql=(f"select cron.schedule({literal(job(view))}, {literal(SCHEDULE)}, {literal(command)})",),
            rollback_sql=(f"select cron.unschedule({literal(job(view))})",),
            locks=f"EXCLUSIVE on {view.name} at each refresh: reads go on",
            level="moderate",
            most="approve",
            details={"job": job(view), "schedule": SCHEDULE, "command": command},
            evidence={
                "scans": view.scans,
                "changed": view.changed,
                "minutes": MINUTES,
            },
            reason=f"{view.name} was read {view.scans} times in {view.hours:.1f} hours, while {view.changed} rows of its "
            f"tables changed and nobody refreshed it. Once an hour keeps its answers at most {MINUTES} minutes old.",
        )
