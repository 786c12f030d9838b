"""Find statements whose plan turned bad, and say why and how to turn it back.

Why: the same statement over the same data does many times the work from one hour to the next.
Sound when: blocks and time per call jumped while the number of rows returned and the size of the tables did not; traffic
alone moves neither. A cause is named only if it happened between the last good interval and the first bad one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wedding_dbopt.settings.advice import Advice, Affected, Target, quoted

#: Growth of blocks and of time per call that makes a jump, and growth of rows or tables that would explain it.
BLOCKS_JUMP, TIME_JUMP, VOLUME_GROWTH = 2.0, 1.5, 1.3
#: Blocks more per call that a jump must cost, calls on each side.
MIN_BLOCKS, MIN_CALLS = 20.0, 30
#: Passes on each side of the jump.
MIN_INTERVALS = 3


@dataclass(frozen=True)
class Interval:
    """What the statement did in one pass or hour that ended at `ended` (seconds)."""

    ended: float
    calls: int
    ms: float
    blocks: float
    rows: float


@dataclass(frozen=True)
class Happened:
    """Something that can turn a plan, at some time between `begun` and `ended` (seconds).

    `kind` is analyzed, setting, dropped_index or our_action. `sql` undoes it, `rollback_sql` undoes that; both are empty
    where nothing does.
    """

    kind: str
    begun: float
    ended: float
    text: str
    target: Target
    sql: tuple[str, ...] = ()
    rollback_sql: tuple[str, ...] = ()
    locks: str = "none on tables"
    advice_kind: str = "parameter_adjustment"
    details: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """A statement with its intervals, oldest first, what happened meanwhile, and how its tables grew in the window.

    `plans` are the fingerprints that were seen, oldest first, as (seconds, fingerprint).
    """

    statement: Affected
    queryid: str
    intervals: tuple[Interval, ...]
    happened: tuple[Happened, ...] = ()
    table_growth: float = 1.0
    plans: tuple[tuple[float, str], ...] = ()
    tables: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Flip:
    """The jump: between `good_until` and `bad_since`, per call before and after."""

    good_until: float
    bad_since: float
    ms_before: float
    ms_after: float
    blocks_before: float
    blocks_after: float
    calls_per_hour: float


def find(history: History) -> Flip | None:
    """The moment that divides the intervals best into few and many blocks per call, if it is a jump and no growth."""
    ran = [interval for interval in history.intervals if interval.calls > 0]
    best: tuple[float, int] | None = None
    for place in range(MIN_INTERVALS, len(ran) - MIN_INTERVALS + 1):
        before, after = _per_call(ran[:place]), _per_call(ran[place:])
        if before.calls < MIN_CALLS or after.calls < MIN_CALLS or before.blocks <= 0:
            continue
        separation = math.log(max(after.blocks, 1e-9) / before.blocks) * math.sqrt(
            min(place, len(ran) - place)
        )
        if best is None or separation > best[0]:
            best = (separation, place)
    if best is None:
        return None
    good, bad = ran[: best[1]], ran[best[1] :]
    before, after = _per_call(good), _per_call(bad)
    if after.blocks < BLOCKS_JUMP * before.blocks or after.blocks - before.blocks < MIN_BLOCKS:
        return None
    if after.ms < TIME_JUMP * before.ms:
        return None
    rows_grew = after.rows / before.rows if before.rows > 0 else 1.0
    if max(rows_grew, history.table_growth) > VOLUME_GROWTH:
        return None
    # A jump: no interval of the good side is as bad as the typical bad one, and the reverse.
    middle = math.sqrt(before.blocks * after.blocks)
    if (
        sum(i.blocks / i.calls > middle for i in good) > len(good) // 5
        or sum(i.blocks / i.calls < middle for i in bad) > len(bad) // 5
    ):
        return None
    seconds = max(bad[-1].ended - good[-1].ended, 1.0)
    return Flip(
        good[-1].ended,
        bad[0].ended,
        before.ms,
        after.ms,
        before.blocks,
        after.blocks,
        after.calls / seconds * 3600,
    )


def _per_call(intervals: Sequence[Interval]) -> Interval:
    calls = sum(interval.calls for interval in intervals)
    if calls == 0:
        return Interval(0.0, 0, 0.0, 0.0, 0.0)
    return Interval(
        intervals[-1].ended,
        calls,
        sum(i.ms for i in intervals) / calls,
        sum(i.blocks for i in intervals) / calls,
        sum(i.rows for i in intervals) / calls,
    )


#: What turns plans most surely comes first.
ORDER = ("dropped_index", "setting", "our_action", "analyzed")
#: Seconds around the jump within which a cause must lie: a pass may be late.
SLACK = 90.0


def cause(history: History, flip: Flip) -> Happened | None:
    """What happened at the jump, the surest kind first."""
    near = [
        event
        for event in history.happened
        if event.begun <= flip.bad_since + SLACK and event.ended >= flip.good_until - SLACK
    ]
    return min(near, key=lambda event: (ORDER.index(event.kind), event.ended - event.begun), default=None)


def last_good(history: History, flip: Flip) -> tuple[str | None, str | None]:
    """Fingerprints of the last plan seen before the jump and of the latest one after it."""
    before = [plan for at, plan in history.plans if at < flip.bad_since]
    after = [plan for at, plan in history.plans if at >= flip.bad_since]
    return (before[-1] if before else None, after[-1] if after else None)


def precondition(history: History) -> bool:
    """Whether there was a flip."""
    return find(history) is not None


def advise(histories: Sequence[History]) -> Iterator[Advice]:
    """For each flip the reversal of its cause; where none is known, or nothing reverses it, ANALYZE of the tables."""
    for history in histories:
        flip = find(history)
        if flip is None:
            continue
        found = cause(history, flip)
        if found is not None and found.sql:
            yield _advice(
                history,
                flip,
                found,
                kind=found.advice_kind,
                target=found.target,
                sql=found.sql,
                rollback_sql=found.rollback_sql,
                locks=found.locks,
                details=found.details,
                # Somebody did it, perhaps for a reason; and what had no value of its own cannot be set to none.
                most="approve" if found.details or found.advice_kind == "index_creation" else "recommend",
            )
            continue
        for table in history.tables:
            name = ".".join(quoted(part) for part in (table.schema, table.name) if part)
            yield _advice(
                history,
                flip,
                found,
                kind="statistics",
                target=table,
                sql=(f"analyze {name}",),
                rollback_sql=(),
                locks=f"SHARE UPDATE EXCLUSIVE on {name}: reads and writes go on",
                details={},
                most="auto",
            )


def _advice(history: History, flip: Flip, found: Happened | None, **fields: Any) -> Advice:
    good, bad = last_good(history, flip)
    saved = (flip.ms_after - flip.ms_before) * flip.calls_per_hour
    text = (
        f"Statement {history.queryid} touches {flip.blocks_after:.0f} blocks a call in place of {flip.blocks_before:.0f} and "
        f"takes {flip.ms_after:.2f} ms in place of {flip.ms_before:.2f}, with as many rows and tables of the same size"
    )
    if good is not None and bad is not None and good != bad:
        text += f"; its plan was {good} and is {bad}"
    why = (
        f"At that time: {found.text}"
        if found is not None
        else "Nothing that was seen at that time explains it; fresh statistics are the mildest remedy."
    )
    return Advice(
        rule="plan_flips",
        level="conservative",
        goal="gain",
        gain_percent=round(100 * (1 - flip.ms_before / flip.ms_after), 2),
        gain_ms_per_hour=round(saved, 3),
        basis="the statement's own time per call before the jump, times its calls per hour since",
        affected=(history.statement,),
        evidence={
            "queryid": history.queryid,
            "blocks_before": round(flip.blocks_before, 1),
            "blocks_after": round(flip.blocks_after, 1),
            "ms_before": round(flip.ms_before, 3),
            "ms_after": round(flip.ms_after, 3),
            "good_until": flip.good_until,
            "bad_since": flip.bad_since,
            "cause": found.kind if found is not None else None,
            "good_plan": good,
            "bad_plan": bad,
        },
        reason=f"{text}. {why}",
        **fields,
    )
