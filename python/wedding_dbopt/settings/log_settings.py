"""Say which log settings would have told more; a person sets them.

Why: deadlocks, lock waits and temporary files leave no trace otherwise; and what is logged may hold data of guests.
Sound when: the thing to be logged happened. Logs belong to whoever runs the server, so nothing is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import for_system

KIND = "parameter_adjustment"
MANY_TEMP_BYTES_PER_HOUR = 256 * 2**20


@dataclass(frozen=True)
class Events:
    """What happened in the window: deadlocks, the longest lock wait in seconds, bytes of temporary files."""

    deadlocks: int = 0
    longest_wait_s: float = 0.0
    temp_bytes: float = 0.0


def precondition(server: Server, events: Events) -> list[tuple[str, str, str]]:
    """Parameter, value and why, for each log setting that would have helped."""
    wanted: list[tuple[str, str, str]] = []
    hours = max(server.hours, 1.0)

    def is_now(name: str, *values: str) -> bool:
        parameter = server.parameter(name)
        return parameter is not None and parameter.reloadable and parameter.value in values

    if (events.deadlocks > 0 or events.longest_wait_s >= 1) and is_now("log_lock_waits", "off"):
        wanted.append(
            (
                "log_lock_waits",
                "on",
                f"{events.deadlocks} deadlocks and lock waits of up to {events.longest_wait_s:.0f} s happened",
            )
        )
    if events.temp_bytes / hours >= MANY_TEMP_BYTES_PER_HOUR and is_now("log_temp_files", "-1"):
        wanted.append(
            (
                "log_temp_files",
                "32MB",
                f"{events.temp_bytes / hours / 2**20:.0f} MB an hour went to temporary files",
            )
        )
    if server.requested_checkpoints > 0 and is_now("log_checkpoints", "off"):
        wanted.append(
            (
                "log_checkpoints",
                "on",
                f"{server.requested_checkpoints} checkpoints came because the WAL was full",
            )
        )
    return wanted


def advise(server: Server, events: Events) -> Iterator[Advice]:
    for name, value, why in precondition(server, events):
        parameter = server.parameter(name)
        if parameter is None:
            continue
        change = for_system(parameter, value)
        yield Advice(
            kind=KIND,
            rule="log_settings",
            target=change.target,
            sql=change.sql,
            rollback_sql=change.rollback_sql,
            locks=change.locks,
            level="aggressive",
            most="recommend",
            parameter=name,
            value=value,
            basis="none: it tells more, it makes nothing faster",
            reason=f"{why}, and {name} is {parameter.value}: the server's log says nothing of who was in it. What is logged "
            f"may hold data of guests, so a person decides.",
        )
