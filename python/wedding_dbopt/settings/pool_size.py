"""Size PgBouncer's pools for the load that is there or coming, while it runs.

Why: too small a pool makes clients wait while the server idles; too large a one makes the server's sessions wait for each
other. What is right in the season is wrong beside it.
Sound when: clients wait, or connections run short, or a season or forecast says that the load changes; and all pools
together stay within the server's usable connections. SET holds until PgBouncer reads its file again; the file is not
written, so a RELOAD or restart returns to what it says, and the tuner then asks again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from wedding_dbopt.settings.advice import Advice, Target
from wedding_dbopt.settings.connections import BUSY_PERCENT, COMING_FACTOR, Connections

KIND = "connection_scaling"
#: A size that differs by less than this share, or by one, is left alone.
SAME = 0.2


@dataclass(frozen=True)
class Pooler:
    """What SHOW CONFIG, SHOW POOLS say of the pools of this database, the most seen in the window.

    `pools` is their number (one for each role); `active` their server connections at work; `waiting` clients that wait.
    """

    default_pool_size: int
    max_db_connections: int
    pools: int
    active: int = 0
    waiting: int = 0
    longest_wait_s: float = 0.0


def staffed(busy: float) -> int:
    """Connections for a load that keeps so many busy on average: the same square-root staffing as pool_size() in SQL."""
    return math.ceil(busy + 2 * math.sqrt(busy)) if busy > 0 else 0


def occasion(figures: Connections, pooler: Pooler) -> str | None:
    """Why the pools are to be changed, in words; None without cause."""
    if pooler.waiting > 0 and pooler.longest_wait_s >= 0.1:
        return f"{pooler.waiting} clients waited for a server connection, up to {pooler.longest_wait_s:.1f} s"
    return figures.occasion


def wanted(figures: Connections, pooler: Pooler) -> int:
    """Connections per pool for the load that is coming, and no less than what works now."""
    share = max(figures.pool_shares.values(), default=1.0)
    needed = staffed(figures.busy * max(1.0, figures.coming_factor) * share)
    if pooler.waiting > 0:  # the sessions that wait in the pooler are not among the server's busy ones
        needed = max(needed, staffed(figures.busy * share + pooler.waiting / max(pooler.pools, 1)))
    working = math.ceil(pooler.active / max(pooler.pools, 1)) + 1
    most = max(1, figures.usable // max(pooler.pools, 1))
    return min(max(needed, working, 1), most)


def precondition(figures: Connections, pooler: Pooler) -> bool:
    """Whether there is cause, and the right size differs enough from what is set."""
    if occasion(figures, pooler) is None or figures.busy <= 0:
        return False
    size, now = wanted(figures, pooler), pooler.default_pool_size
    if size < now and figures.percent <= BUSY_PERCENT:
        return False  # nobody is short of connections: a pool that is too large costs little
    if size > now and pooler.waiting == 0 and figures.coming_factor < COMING_FACTOR:
        return False  # nobody waits for the pool and nothing is coming
    return abs(size - now) > max(1.0, SAME * now)


def advise(figures: Connections, pooler: Pooler) -> Iterator[Advice]:
    if precondition(figures, pooler):
        size = wanted(figures, pooler)
        yield _set(
            figures,
            pooler,
            "default_pool_size",
            size,
            pooler.default_pool_size,
            f"{figures.busy:.1f} sessions were busy in the busiest five minutes; {size} connections a pool let few wait",
        )
    if occasion(figures, pooler) is not None and pooler.max_db_connections == 0:
        # What does not come through the pooler keeps its place: the limit is the server's, as get_capacity() says.
        yield _set(
            figures,
            pooler,
            "max_db_connections",
            figures.usable,
            0,
            f"PgBouncer may open connections without limit, and the server takes {figures.usable}",
        )


def _set(figures: Connections, pooler: Pooler, name: str, value: int, now: int, why: str) -> Advice:
    return Advice(
        kind=KIND,
        rule="pool_size",
        target=Target("pooler", name),
        sql=(f"SET {name} = {value}",),
        rollback_sql=(f"SET {name} = {now}",),
        locks="none: PgBouncer opens or closes server connections as clients come and go",
        level="moderate",
        parameter=name,
        value=str(value),
        details={"parameter": name, "value": str(value)},
        season=figures.bound_to if pooler.waiting == 0 else None,
        evidence={
            "now": now,
            "busy_sessions": round(figures.busy, 3),
            "waiting_clients": pooler.waiting,
            "pools": pooler.pools,
            "usable": figures.usable,
            "percent": round(figures.percent, 1),
            "coming_factor": round(figures.coming_factor, 2),
        },
        basis="square-root staffing of the busy sessions, as get_capacity() does it",
        reason=f"{occasion(figures, pooler)}. {why}; {name} is {now}. It holds at once, without a restart, until "
        f"PgBouncer reads its file again.",
    )
