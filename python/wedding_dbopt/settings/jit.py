"""Switch just-in-time compilation off where it costs more than it gives.

Why: compiling a short statement takes longer than running it.
Sound when: compilation took at least a twentieth of all execution time.
"""

from __future__ import annotations

from collections.abc import Iterator

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import for_database

KIND = "parameter_adjustment"


def precondition(server: Server) -> bool:
    """Whether the health check found that compilation costs."""
    return server.finding("jit_costs") is not None


def advise(server: Server) -> Iterator[Advice]:
    parameter, found = server.parameter("jit"), server.finding("jit_costs")
    if parameter is None or found is None or parameter.database_value == "off":
        return
    share = 100 * float(found.evidence["jit_ms"]) / float(found.evidence["exec_ms"])
    change = for_database(parameter, server.database, "off")
    yield Advice(
        kind=KIND,
        rule="jit",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="conservative",
        parameter="jit",
        value="off",
        gain_percent=round(share, 2),
        basis="the share of compilation in all execution time since the counters began; what compiled code saved is not known",
        evidence=dict(found.evidence),
        reason=f"{found.reason} Without it, {share:.0f} % of the time is saved at most, less what the compiled code was "
        f"faster. Sessions begun afterwards have it.",
    )
