"""List what only a restart changes; never set it.

Why: shared_buffers and its like are read once, when the server starts, and a restart interrupts everybody.
Sound when: the health check shows what the value costs now.
"""

from __future__ import annotations

from collections.abc import Iterator

from wedding_dbopt.settings.advice import Advice, Target, literal
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import Parameter

KIND = "parameter_adjustment"
#: Findings of the health check whose remedy needs a restart.
FINDINGS = ("small_shared_buffers", "too_many_connections_allowed", "huge_pages_unused")


def precondition(server: Server) -> list[tuple[Parameter, str]]:
    """The parameters and why, as far as the health check found them."""
    found = [(server.finding(kind), kind) for kind in FINDINGS]
    listed: list[tuple[Parameter, str]] = []
    for finding, _ in found:
        parameter = server.parameter(finding.object) if finding is not None else None
        if finding is not None and parameter is not None and parameter.context == "postmaster":
            listed.append((parameter, finding.reason))
    return listed


def wanted(server: Server, parameter: Parameter) -> str:
    """The value for the next restart."""
    if parameter.name == "shared_buffers" and server.memory is not None:
        return f"{server.memory // 4 // 2**20}MB"
    if parameter.name == "max_connections":
        return str(max(100, 3 * (server.connections_peak or 0)))
    return "try"


def advise(server: Server) -> Iterator[Advice]:
    for parameter, reason in precondition(server):
        value = wanted(server, parameter)
        old = parameter.auto_value
        back = f"set {parameter.name} = {literal(old)}" if old is not None else f"reset {parameter.name}"
        yield Advice(
            kind=KIND,
            rule="restart",
            target=Target("system"),
            sql=(f"alter system set {parameter.name} = {literal(value)}",),
            rollback_sql=(f"alter system {back}",),
            locks="none: the file postgresql.auto.conf is written; a restart interrupts every session",
            level="aggressive",
            most="recommend",
            parameter=parameter.name,
            value=value,
            evidence={"value": parameter.value},
            reason=f"{reason} Only a restart of the server changes it, so it is listed and never set.",
        )
