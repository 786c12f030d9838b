"""End forgotten transactions; say which roles have no limit for a statement.

Why: a session that idles in a transaction keeps its locks, and dead rows of the whole database stay.
Sound when: such sessions were seen, and the limit is far above what the role's transactions really take. A limit for
statements ends work that somebody waits for, so it is only advised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import for_database, for_role

KIND = "parameter_adjustment"
IDLE = "idle_in_transaction_session_timeout"
#: Idle in a transaction for longer than this is forgotten, not slow.
FORGOTTEN_S = 300.0


@dataclass(frozen=True)
class RoleUse:
    """A role that logs in: how long its sessions idled in a transaction at most, and its slowest usual statement.

    None = not seen. `own` are the role's own settings in this database or everywhere.
    """

    role: str
    superuser: bool
    idle_in_transaction_s: float | None
    slowest_ms: float | None
    own: dict[str, str]


def precondition(server: Server, roles: Sequence[RoleUse]) -> list[RoleUse]:
    """Ordinary roles whose sessions were forgotten inside a transaction, without a limit anywhere."""
    parameter = server.parameter(IDLE)
    if parameter is None or parameter.value != "0" or parameter.database_value not in (None, "0"):
        return []
    return [
        role
        for role in roles
        if not role.superuser
        and role.own.get(IDLE) in (None, "0")
        and (role.idle_in_transaction_s or 0) >= FORGOTTEN_S
    ]


def advise(server: Server, roles: Sequence[RoleUse]) -> Iterator[Advice]:
    yield from _idle(server, roles)
    yield from _statements(server, roles)


def _idle(server: Server, roles: Sequence[RoleUse]) -> Iterator[Advice]:
    parameter = server.parameter(IDLE)
    forgotten = precondition(server, roles)
    if parameter is None:
        return
    for role in forgotten:
        change = for_role(parameter, role.role, server.database, "5min", role.own.get(IDLE))
        yield Advice(
            kind=KIND,
            rule="timeouts",
            target=change.target,
            sql=change.sql,
            rollback_sql=change.rollback_sql,
            locks=change.locks,
            level="moderate",
            parameter=IDLE,
            value="5min",
            basis="none: it ends what holds others up, it makes no statement faster",
            evidence={"role": role.role, "idle_in_transaction_s": role.idle_in_transaction_s},
            reason=f"A session of {role.role} idled inside a transaction for {(role.idle_in_transaction_s or 0) / 60:.0f} "
            f"minutes, and nothing ends a forgotten one. Five minutes is a hundred times what a working one needs; the "
            f"session is ended, its work rolled back.",
        )
    if not forgotten and server.finding("idle_timeout_unset") and parameter.database_value in (None, "0"):
        found = server.finding("idle_timeout_unset")
        change = for_database(parameter, server.database, "5min")
        yield Advice(
            kind=KIND,
            rule="timeouts",
            target=change.target,
            sql=change.sql,
            rollback_sql=change.rollback_sql,
            locks=change.locks,
            level="moderate",
            most="approve",
            parameter=IDLE,
            value="5min",
            basis="none: it ends what holds others up, it makes no statement faster",
            evidence=dict(found.evidence) if found else {},
            reason=f"{found.reason if found else ''} Whose session it was is not known, so it is for a person to decide.",
        )


def _statements(server: Server, roles: Sequence[RoleUse]) -> Iterator[Advice]:
    """A limit of ten times the slowest usual statement, at least 10 s; listed, never set."""
    parameter = server.parameter("statement_timeout")
    if parameter is None or parameter.value != "0" or parameter.database_value not in (None, "0"):
        return
    for role in roles:
        if role.superuser or role.slowest_ms is None or role.own.get("statement_timeout") not in (None, "0"):
            continue
        seconds = max(10, round(10 * role.slowest_ms / 1000))
        change = for_role(
            parameter, role.role, server.database, f"{seconds}s", role.own.get("statement_timeout")
        )
        yield Advice(
            kind=KIND,
            rule="timeouts",
            target=change.target,
            sql=change.sql,
            rollback_sql=change.rollback_sql,
            locks=change.locks,
            level="aggressive",
            most="recommend",
            parameter="statement_timeout",
            value=f"{seconds}s",
            basis="none: it bounds the damage of a statement gone wrong",
            evidence={"role": role.role, "slowest_ms": round(role.slowest_ms, 3)},
            reason=f"Statements of {role.role} have no time limit; the slowest takes {role.slowest_ms:.0f} ms on average. "
            f"{seconds} s is ten times that, at least 10 s. It ends work that somebody waits for, so a person decides.",
        )
