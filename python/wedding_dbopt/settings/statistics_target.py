"""Put default_statistics_target back to at least the server's own default.

Why: with fewer frequent values and buckets the planner guesses more conditions.
Sound when: somebody lowered it below 100. A database may have its own; columns that need more get it singly.
"""

from __future__ import annotations

from collections.abc import Iterator

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import for_database

KIND = "parameter_adjustment"
DEFAULT = 100


def precondition(server: Server) -> bool:
    """Whether it is below the default, here too."""
    parameter = server.parameter("default_statistics_target")
    if parameter is None or server.finding("low_statistics_default") is None:
        return False
    return float(parameter.database_value or parameter.value) < DEFAULT


def advise(server: Server) -> Iterator[Advice]:
    parameter = server.parameter("default_statistics_target")
    if parameter is None or not precondition(server):
        return
    change = for_database(parameter, server.database, str(DEFAULT))
    yield Advice(
        kind=KIND,
        rule="statistics_target",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="moderate",
        parameter="default_statistics_target",
        value=str(DEFAULT),
        evidence={"value": parameter.number},
        reason=f"default_statistics_target is {parameter.database_value or parameter.value}; the server's default is "
        f"{DEFAULT}. Tables get the finer statistics at their next ANALYZE; the old ones come back at the first one after "
        f"a rollback.",
    )
