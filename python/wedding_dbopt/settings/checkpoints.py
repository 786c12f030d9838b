"""Let checkpoints come by the clock, and spread their writes.

Why: a checkpoint that comes because max_wal_size is full makes every page be written to WAL in full again.
Sound when: several were requested within the hours seen, and the disk has room for the larger WAL.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from wedding_dbopt.settings.advice import Advice, size
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import for_system

KIND = "parameter_adjustment"
#: WAL may take this share of the free disk, and no step more than this factor.
DISK_SHARE = 0.1
MOST_FACTOR = 4.0
SPREAD = 0.9


def precondition(server: Server) -> bool:
    """Whether the health check saw requested checkpoints, and the disk is known."""
    return server.finding("frequent_checkpoints") is not None and server.disk_free is not None


def advise(server: Server) -> Iterator[Advice]:
    if precondition(server):
        yield from _larger_wal(server)
        yield from _spread(server)


def _larger_wal(server: Server) -> Iterator[Advice]:
    parameter, found = server.parameter("max_wal_size"), server.finding("frequent_checkpoints")
    timeout = server.parameter("checkpoint_timeout")
    if parameter is None or found is None or timeout is None or not parameter.reloadable:
        return
    per_hour = float(found.evidence["wal_bytes"]) / max(float(found.evidence["hours"]), 0.1)
    # One cycle by the clock and what the next one writes while it runs, with the server's own slack.
    cycle = per_hour * timeout.number / 3600 * 2.5
    wanted = min(max(cycle, 1.5 * parameter.bytes), MOST_FACTOR * parameter.bytes)
    room = DISK_SHARE * (server.disk_free or 0)
    value = int(math.ceil(min(wanted, parameter.bytes + room) / 2**20 / 64) * 64)
    if value * 2**20 < 1.25 * parameter.bytes:
        return
    change = for_system(parameter, f"{value}MB")
    requested, hours = int(found.evidence["requested"]), float(found.evidence["hours"])
    yield Advice(
        kind=KIND,
        rule="checkpoints",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="moderate",
        parameter="max_wal_size",
        value=f"{value}MB",
        evidence=dict(found.evidence),
        basis="not estimated: it shows in the requested checkpoints and the WAL per hour afterwards",
        reason=f"{requested} checkpoints in {hours:.1f} hours came because max_wal_size ({size(parameter.bytes)}) was full, "
        f"at {size(per_hour)} of WAL an hour. With {value} MB a cycle of {timeout.number / 60:.0f} minutes fits; the disk "
        f"has {size(server.disk_free or 0)} free. Recovery after a crash reads up to that much WAL.",
    )


def _spread(server: Server) -> Iterator[Advice]:
    parameter = server.parameter("checkpoint_completion_target")
    if parameter is None or not parameter.reloadable or parameter.number >= SPREAD - 0.1:
        return
    change = for_system(parameter, f"{SPREAD}")
    yield Advice(
        kind=KIND,
        rule="checkpoints",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="moderate",
        parameter="checkpoint_completion_target",
        value=f"{SPREAD}",
        evidence={"value": parameter.number},
        reason=f"checkpoint_completion_target is {parameter.number}: a checkpoint writes its pages within that share of the "
        f"time, in a burst that statements wait behind. {SPREAD} is the server's default since version 14.",
    )
