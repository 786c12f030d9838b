"""Share the server's connections among roles and databases, so that one that runs away cannot take them all.

Why: when the last connection is taken, payments are refused as well as reports.
Sound when: connections are nearly used up, or a greater load is coming, and no role gets less than it was seen to hold,
with room to grow. Roles that hold many sessions and use few are named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from wedding_dbopt.settings.advice import Advice, Target, quoted
from wedding_dbopt.settings.connections import Connections, RoleLoad

KIND = "connection_scaling"
#: A role may hold this much more than it was seen to hold, and at least this many more.
ROOM = 1.25
MORE = 3
#: A limit that differs by less than this share is left alone.
SAME = 0.2
LOCKS = "none on tables; sessions that are open stay open"


def precondition(figures: Connections) -> dict[str, int]:
    """The limits that roles should have; empty without cause, or when there is not room for all.

    What is left beyond the needs is shared out by need, so that the limits together do not exceed what is usable.
    """
    roles = [role for role in figures.roles if not role.superuser]
    if figures.occasion is None or len(roles) < 2:
        return {}
    floor = {role.role: _least(role) for role in roles}
    wanted = {role.role: max(floor[role.role], _expected(role, figures)) for role in roles}
    room = figures.usable - figures.other_databases
    if sum(floor.values()) > room:
        return {}  # whoever is cut would be refused connections that he has today: that is for a pooler
    over = sum(wanted.values()) - room
    if over > 0:
        spare = sum(wanted[name] - floor[name] for name in wanted)
        wanted = {
            name: wanted[name] - math.ceil(over * (wanted[name] - floor[name]) / spare) for name in wanted
        }
        wanted = {name: max(floor[name], limit) for name, limit in wanted.items()}
    return {role.role: wanted[role.role] for role in roles if _differs(role.limit, wanted[role.role])}


def _least(role: RoleLoad) -> int:
    return role.peak + min(MORE, max(1, role.peak))


def _expected(role: RoleLoad, figures: Connections) -> int:
    return math.ceil(role.peak * max(1.0, figures.coming_factor) * ROOM) + MORE


def _differs(now: int, wanted: int) -> bool:
    return now < 0 or abs(now - wanted) >= max(2, SAME * now)


def advise(figures: Connections) -> Iterator[Advice]:
    loads = {role.role: role for role in figures.roles}
    for name, limit in sorted(precondition(figures).items()):
        role = loads[name]
        idle = role.peak - role.active_peak
        yield Advice(
            kind=KIND,
            rule="connection_limits",
            target=Target("role", name),
            sql=(f"alter role {quoted(name)} connection limit {limit}",),
            rollback_sql=(f"alter role {quoted(name)} connection limit {role.limit}",),
            locks=LOCKS,
            level="moderate",
            parameter="connection limit",
            value=str(limit),
            details={"limit": limit},
            season=figures.bound_to,
            basis="none: it keeps connections for others, it makes nothing faster",
            evidence={
                "usable": figures.usable,
                "peak": figures.peak,
                "percent": round(figures.percent, 1),
                "role_peak": role.peak,
                "role_active_peak": role.active_peak,
                "coming_factor": round(figures.coming_factor, 2),
                "limit_before": role.limit,
            },
            reason=f"{figures.occasion}. {name} held up to {role.peak} sessions, of which {role.active_peak} worked at once"
            + (f" and {idle} idled" if idle > role.peak / 2 else "")
            + f"; {limit} is never less than that and keeps room for the other roles. Before it was "
            + ("unlimited." if role.limit < 0 else f"{role.limit}."),
        )
    yield from _database(figures)


def _database(figures: Connections) -> Iterator[Advice]:
    """The database's own limit, where other databases share the server."""
    if figures.occasion is None or figures.other_databases < 1:
        return
    limit = figures.usable - figures.other_databases - MORE
    if limit < figures.peak + MORE or not _differs(figures.database_limit, limit):
        return
    name = quoted(figures.database)
    yield Advice(
        kind=KIND,
        rule="connection_limits",
        target=Target("database", figures.database),
        sql=(f"alter database {name} connection limit {limit}",),
        rollback_sql=(f"alter database {name} connection limit {figures.database_limit}",),
        locks=LOCKS,
        level="moderate",
        parameter="connection limit",
        value=str(limit),
        details={"limit": limit},
        season=figures.bound_to,
        basis="none: it keeps connections for others, it makes nothing faster",
        evidence={"usable": figures.usable, "peak": figures.peak, "other_databases": figures.other_databases},
        reason=f"{figures.occasion}. Other databases of this server held up to {figures.other_databases} connections: {limit} "
        f"leaves them theirs and is more than the {figures.peak} that this one was seen to hold.",
    )
