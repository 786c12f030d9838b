"""Measure how long reads take.

Why: without track_io_timing a slow statement cannot be told from a slow disk, and no advice about reads has a figure.
Sound when: it is off. The clock of today's machines costs some 25 ns a read; pg_test_timing shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import for_system

KIND = "parameter_adjustment"


def precondition(server: Server) -> bool:
    """Whether it is off and a reload can turn it on."""
    parameter = server.parameter("track_io_timing")
    return server.finding("io_timing_off") is not None and parameter is not None and parameter.reloadable


def advise(server: Server) -> Iterator[Advice]:
    parameter = server.parameter("track_io_timing")
    if parameter is None or not precondition(server):
        return
    change = for_system(parameter, "on")
    yield Advice(
        kind=KIND,
        rule="io_timing",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="moderate",
        parameter="track_io_timing",
        value="on",
        basis="none: it shows what reads cost, it makes nothing faster",
        reason="track_io_timing is off: slow statements cannot be told from slow disks, and advice about random_page_cost, "
        "work_mem and caches has no measured time to stand on.",
    )
