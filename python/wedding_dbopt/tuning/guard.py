"""The guard of changes that act on a whole role, database or server: harm to the whole load is undone at once.

It looks at each tick, before the statements are judged one by one, and needs no significance: time per call twice as long,
throughput that collapses while as many sessions work, or memory that runs out are not waited for. More load than before
makes calls slower too, so then the guard leaves the matter to the judgement.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Types and scopes of actions that the guard watches.
GUARDED = frozenset(
    (kind, scope)
    for kind in ("parameter_adjustment", "connection_scaling")
    for scope in ("role", "database", "system", "pooler")
)
#: Calls on each side that the guard needs.
MIN_CALLS = 100
#: Time per call, as a multiple of before, and calls per second, as a share of before.
SLOWER, COLLAPSE = 2.0, 0.5
#: So many times the calls of before are another load.
OTHER_LOAD = 1.5
#: Share of the memory that must stay available.
MEMORY = 0.1


@dataclass(frozen=True)
class GuardFigures:
    """The hour before and the time since. `ratio` is time per call over that before, at the same mix of statements.

    `others_ratio` is that of the roles that were not changed; None where nobody is left alone. Memory is the least share
    that was available. None = not measured.
    """

    calls_before: int
    calls_after: int
    ratio: float | None
    others_ratio: float | None
    per_second_before: float | None
    per_second_after: float | None
    active_before: float | None
    active_after: float | None
    memory_before: float | None
    memory_after: float | None


def harm(figures: GuardFigures) -> str | None:
    """Why the change must go at once, None while nothing speaks against it."""
    before, after = figures.memory_before, figures.memory_after
    if before is not None and after is not None and after < MEMORY <= before:
        return f"only {after:.0%} of the memory was available since, {before:.0%} at the least before"
    if min(figures.calls_before, figures.calls_after) < MIN_CALLS:
        return None
    return _slower(figures) or _collapsed(figures)


def _slower(figures: GuardFigures) -> str | None:
    if figures.ratio is None:
        return None
    own = figures.ratio / max(figures.others_ratio or 1.0, 1.0)
    if own <= SLOWER or (figures.others_ratio is None and _busier(figures)):
        return None
    return (
        f"calls take {figures.ratio:.1f} times as long as in the hour before"
        + (f", those of other roles {figures.others_ratio:.1f} times" if figures.others_ratio else "")
        + f" (n = {figures.calls_before} and {figures.calls_after})"
    )


def _busier(figures: GuardFigures) -> bool:
    before, after = figures.per_second_before, figures.per_second_after
    return before is not None and after is not None and after > OTHER_LOAD * before


def _collapsed(figures: GuardFigures) -> str | None:
    """Fewer calls alone are an idle night; fewer calls while more sessions work are not."""
    before, after = figures.per_second_before, figures.per_second_after
    busy, now = figures.active_before, figures.active_after
    if before is None or after is None or busy is None or now is None or busy < 0.5:
        return None
    if after >= COLLAPSE * before or now < busy:
        return None
    return f"{after:.1f} calls a second in place of {before:.1f}, while {now:.1f} sessions worked in place of {busy:.1f}"
