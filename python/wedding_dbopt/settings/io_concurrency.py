"""Let bitmap scans ask a fast disk for several blocks at once.

Why: effective_io_concurrency of 1 is that of a single spinning disk.
Sound when: reads were measured to be as fast as an SSD's, and blocks really come from the disk.
"""

from __future__ import annotations

from collections.abc import Iterator

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import MIN_HOURS, Server
from wedding_dbopt.settings.parameters import for_database

KIND = "parameter_adjustment"
NAME = "effective_io_concurrency"
VALUE = "200"
#: Measured milliseconds of a read: faster ones come from the system's cache and gain nothing, slower ones from a disk
#: that has one arm.
FASTEST_MS, SLOWEST_MS = 0.05, 1.0
MIN_BLOCKS = 10_000


def precondition(server: Server) -> bool:
    """Whether the setting is a spinning disk's and the disk is not."""
    parameter = server.parameter(NAME)
    if parameter is None or server.hours < MIN_HOURS or server.blocks_read < MIN_BLOCKS:
        return False
    per_block = server.read_ms / server.blocks_read
    low = float(parameter.database_value or parameter.value) <= 2
    return low and FASTEST_MS <= per_block <= SLOWEST_MS


def advise(server: Server) -> Iterator[Advice]:
    parameter = server.parameter(NAME)
    if parameter is None or not precondition(server):
        return
    change = for_database(parameter, server.database, VALUE)
    per_block = server.read_ms / server.blocks_read
    yield Advice(
        kind=KIND,
        rule="io_concurrency",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="aggressive",
        parameter=NAME,
        value=VALUE,
        evidence={"ms_per_block": round(per_block, 4), "blocks": server.blocks_read},
        reason=f"{server.blocks_read} blocks were read from the disk in {server.hours:.1f} hours at {per_block:.3f} ms each, "
        f"as from an SSD, but {NAME} is {parameter.database_value or parameter.value}: bitmap scans ask for one at a time.",
    )
