"""Let a role's statements be planned for their own values where the plan for any value is bad.

Why: after five executions a prepared statement may keep one generic plan; for a value that half of the rows have, or that
hardly any has, another plan would do.
Sound when: the server counted far fewer plannings than calls, so a generic plan is in use; a frequent value would get another
plan; the statement's time varies as such a plan's does; and planning each time costs little beside it. Kept only for a
measured gain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wedding_dbopt.settings.advice import Advice, Affected
from wedding_dbopt.settings.figures import MIN_HOURS, Server
from wedding_dbopt.settings.parameters import for_role

KIND = "parameter_adjustment"
NAME = "plan_cache_mode"
MIN_CALLS = 50
#: Plannings per call below which the plan is kept from call to call.
KEPT = 0.2
#: Share of the rows that a value must have, the least time, the least variation (deviation / mean), the most of planning.
MIN_SHARE, MIN_MS, MIN_VARIATION, MOST_PLANNING = 0.05, 2.0, 1.0, 0.2


@dataclass(frozen=True)
class Cached:
    """A statement with a plan that is kept: `share` of the rows have the value whose own plan differs (0: none differs).

    `planning_ms` is what planning it took when it was planned.
    """

    statement: Affected
    role: str
    superuser: bool
    calls: int
    plans: int
    mean_ms: float
    deviation_ms: float
    planning_ms: float
    share: float
    own_value: str | None = None


def precondition(cached: Sequence[Cached], server: Server) -> list[Cached]:
    """The statements that a plan of their own would serve better."""
    parameter = server.parameter(NAME)
    if (
        parameter is None
        or server.hours < MIN_HOURS
        or (parameter.database_value or parameter.value) != "auto"
    ):
        return []
    return [
        one
        for one in cached
        if not one.superuser
        and one.own_value in (None, "auto")
        and one.calls >= MIN_CALLS
        and one.plans < KEPT * one.calls
        and one.share >= MIN_SHARE
        and one.mean_ms >= MIN_MS
        and one.deviation_ms >= MIN_VARIATION * one.mean_ms
        and one.planning_ms <= MOST_PLANNING * one.mean_ms
    ]


def advise(cached: Sequence[Cached], server: Server) -> Iterator[Advice]:
    """One advice per role; the setting is the role's, so the cost of planning all its kept plans is named."""
    parameter = server.parameter(NAME)
    groups: dict[str, list[Cached]] = {}
    for one in precondition(cached, server):
        groups.setdefault(one.role, []).append(one)
    for role, members in sorted(groups.items()):
        if parameter is None:
            return
        change = for_role(parameter, role, server.database, "force_custom_plan", members[0].own_value)
        worst = max(members, key=lambda one: one.statement.ms_per_hour)
        kept = [one for one in cached if one.role == role and one.plans < KEPT * one.calls]
        yield Advice(
            kind=KIND,
            rule="plan_cache_mode",
            target=change.target,
            sql=change.sql,
            rollback_sql=change.rollback_sql,
            locks=change.locks,
            level="aggressive",
            goal="gain",
            parameter=NAME,
            value="force_custom_plan",
            basis="not estimated: what the generic plan costs for a value is not known before it is measured",
            affected=tuple(one.statement for one in members),
            evidence={
                "calls": worst.calls,
                "plans": worst.plans,
                "share": round(worst.share, 3),
                "mean_ms": round(worst.mean_ms, 3),
                "deviation_ms": round(worst.deviation_ms, 3),
                "kept_plans_of_the_role": len(kept),
            },
            reason=f"{len(members)} statements of {role} keep one plan for all values: the dearest was planned {worst.plans} "
            f"times for {worst.calls} calls, takes {worst.mean_ms:.1f} ms give or take {worst.deviation_ms:.1f}, and a value "
            f"that {worst.share:.0%} of the rows have would get another plan. Planning each call costs "
            f"{worst.planning_ms:.2f} ms of it, and as much for the role's {len(kept)} kept plans. Sessions begun afterwards "
            f"have it.",
        )
