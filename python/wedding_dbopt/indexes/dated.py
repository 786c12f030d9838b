"""Partial indexes that begin at a date, for statements whose earliest date follows the clock.

An application that asks for the last thirty days, or for what is still to come, asks for a small part of a table that keeps
everything. An index of `day >= '2026-10-01'` holds that part only. The planner proves such a condition from a constant in
the statement, so this is for constants that the application writes or that a plan made for its value knows; `now()` and
`current_date` are none, and a generic plan has none. The index stays usable for ever, but the part it holds grows:
it is good until half of its rows lie before what anybody asks for, and is then renewed (tuning/renewals.py).

The moment is a parameter everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from ..catalog import Relation
from .conditions import Bound, Constant
from .definition import IndexDef
from .predicates import TableUse
from .terms import quoted
from .timeline import Timeline

#: The part must be this small, and the table this large, or a plain index, which needs no renewal, does as well.
MOST_SHARE = 0.25
LEAST_PAGES = 1000
#: The boundary lies so much earlier than the earliest date seen: this share of the window's age, 30 days at least.
_MARGIN = 0.25
_LEAST_MARGIN = timedelta(days=30)
_LONGEST = timedelta(days=365)
_RATED = timedelta(days=180)
_TYPES = {
    "date": ("%Y-%m-%d", "date"),
    "timestamp without time zone": ("%Y-%m-%d 00:00:00", "timestamp without time zone"),
    "timestamp with time zone": ("%Y-%m-%d 00:00:00+00", "timestamp with time zone"),
}
#: A fixed date grows older by a day each day; one that follows the clock does not.
_STANDING = 0.25


@dataclass(frozen=True)
class Sighting:
    """What was seen on one day of a statement's earliest dates: how many days before the moment they lay, at most."""

    day: datetime
    days: float
    seen: int


@dataclass(frozen=True)
class Window:
    """Dates that follow the clock: the earliest lies `days` before it; seen so often over `span` days."""

    days: float
    span: float
    seen: int


@dataclass(frozen=True)
class Dated:
    """A boundary: rows of `column` from `boundary` on, a `share` of all; `until` it is good for a window of `days`.

    `window` is what was seen of it, None where a single text is all that is known.
    """

    schema: str
    table: str
    column: str
    kind: str
    boundary: datetime
    days: float
    share: float
    until: datetime
    window: Window | None = None

    @property
    def condition(self) -> str:
        """The index's WHERE."""
        form, kind = _TYPES[self.kind]
        return f"{quoted(self.column)} >= '{self.boundary.strftime(form)}'::{kind}"


@dataclass(frozen=True)
class Dating:
    """What is known of dates: the moment, and where the rows of a table lie on a column (None: nobody knows)."""

    now: datetime
    timeline: Callable[[Relation, str], Timeline | None]


def moving(sightings: Iterable[Sighting], least_span: float) -> Window | None:
    """The window that these dates open; None where they stand still, or were not watched for `least_span` days."""
    ordered = sorted(sightings, key=lambda item: item.day)
    if len(ordered) < 2:
        return None
    span = (ordered[-1].day - ordered[0].day) / timedelta(days=1)
    middle = ordered[0].day + (ordered[-1].day - ordered[0].day) / 2
    early = [item.days for item in ordered if item.day < middle]
    late = [item.days for item in ordered if item.day >= middle]
    if span < least_span or max(late) - max(early) > _STANDING * span / 2:
        return None
    return Window(max(early + late), span, sum(item.seen for item in ordered))


def boundary_of(now: datetime, days: float) -> datetime:
    """The first of a month, with head room before the earliest date that a window of this age asks for."""
    margin = max(_LEAST_MARGIN, timedelta(days=_MARGIN * abs(days)))
    return (now - timedelta(days=days) - margin).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def dated(
    place: tuple[str, str],
    column: str,
    kind: str,
    days: float,
    timeline: Timeline,
    now: datetime,
    window: Window | None = None,
) -> Dated | None:
    """The boundary for a window of `days`; None where it would leave too few rows out, or the column is no date."""
    kind = plain_kind(kind)
    boundary = boundary_of(now, days)
    share = timeline.share_from(boundary)
    if kind not in _TYPES or share > MOST_SHARE:
        return None
    until = _good_until(timeline, boundary, share, now)
    return Dated(*place, column, kind, boundary, days, share, until, window)


def plain_kind(kind: str) -> str:
    """A type without its precision."""
    head, _, rest = kind.partition("(")
    return head + rest.partition(")")[2]


def is_date(kind: str) -> bool:
    """Whether a boundary on a column of this type can be written."""
    return plain_kind(kind) in _TYPES


def moment_of(text: str) -> datetime | None:
    """The moment that a date's text means, in UTC where it names no zone; None for anything else."""
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return read.replace(tzinfo=timezone.utc) if read.tzinfo is None else read.astimezone(timezone.utc)


def _good_until(timeline: Timeline, boundary: datetime, share: float, now: datetime) -> datetime:
    """When as many rows will lie before a fresh boundary as behind it, at the rate at which rows lie before this one.

    What lies behind a boundary that follows the clock stays about the same. A month at least, a year at most.
    """
    older = timeline.share_from(boundary - _RATED) - share
    days = share / older * _RATED if older > 0 else _LONGEST
    return now + min(max(days, _LEAST_MARGIN), _LONGEST)


# ---------------------------------------------------------------------- in a workload

Uses = Mapping[str, Sequence[TableUse]]


def boundaries(uses: Uses, windows: Mapping[str, Mapping[str, Window]], dating: Dating) -> list[Dated]:
    """The boundaries that serve a workload's dates, each once; `windows` tells by key and column how they moved."""
    found: dict[tuple[str, str, str], Dated] = {}
    for key, of_statement in uses.items():
        for use, bound, moment in _constants(of_statement):
            relation = use.relation
            timeline = dating.timeline(relation, bound.column)
            if timeline is None:
                continue
            window = windows.get(key, {}).get(bound.column)
            days = max((dating.now - moment) / timedelta(days=1), window.days if window else -1e9)
            kind = relation.columns[bound.column].type
            item = dated(relation.place, bound.column, kind, days, timeline, dating.now, window)
            if item is not None:
                name = (*relation.place, item.condition)
                found[name] = max(
                    found.get(name, item), item, key=lambda one: (one.window is not None, one.days)
                )
    return list(found.values())


def with_dates(uses: Uses, known: Iterable[Dated]) -> dict[str, tuple[TableUse, ...]]:
    """The same uses, with the boundaries that each one's own constants prove as constants for partial indexes."""
    at: dict[tuple[str, str, str], list[Dated]] = defaultdict(list)
    for item in known:
        at[item.schema, item.table, item.column].append(item)
    changed: dict[str, tuple[TableUse, ...]] = {}
    for key, of_statement in uses.items():
        proven: dict[int, list[Constant]] = defaultdict(list)
        for use, bound, moment in _constants(of_statement):
            for item in at[use.relation.schema, use.relation.name, bound.column]:
                if item.boundary <= moment:
                    begins = Constant((bound.column,), item.condition, (), item.share, dated=True)
                    proven[id(use)].append(begins)
        changed[key] = tuple(
            replace(use, constants=(*use.constants, *dict.fromkeys(proven[id(use)])))
            if id(use) in proven
            else use
            for use in of_statement
        )
    return changed


def _constants(of_statement: Iterable[TableUse]) -> Iterator[tuple[TableUse, Bound, datetime]]:
    for use in of_statement:
        # Pruning leaves out the partitions of other dates; an index of the parts cannot be hidden as a whole.
        if use.relation.pages < LEAST_PAGES or use.relation.kind == "p":
            continue
        for bound in use.bounds:
            column = use.relation.columns.get(bound.column)
            moment = moment_of(bound.value) if bound.value is not None else None
            if column is not None and moment is not None and is_date(column.type):
                yield use, bound, moment


def details_of(item: Dated) -> dict[str, Any]:
    """What an action must keep of a dated index, so that it can be renewed."""
    return {
        "column": item.column,
        "boundary": item.boundary.isoformat(),
        "days": round(item.days, 1),
        "until": item.until.date().isoformat(),
    }


# ---------------------------------------------------------------------- in words


def notes_of(item: Dated) -> str:
    """What people must know of a chosen dated index."""
    day, until = item.boundary.date(), item.until.date()
    earliest = f"{item.days:.0f} days before" if item.days >= 0 else f"{-item.days:.0f} days after"
    if item.window is None:
        seen = (
            f"The statement's text asks for dates from {earliest} today on; one text does not tell whether that follows the "
            f"clock."
        )
    else:
        seen = (
            f"The earliest date asked for followed the clock for {item.window.span:.0f} days ({item.window.seen} texts seen): "
            f"it lies at most {earliest} the call."
        )
    return (
        f"It is dated. {seen} It begins at {day}, with head room, and is good until about {until}: by then half of what it holds "
        f"will be older than what is asked for. It is then renewed: a new one is built concurrently, the old one hidden, and "
        f"dropped when nobody missed it. It serves constants, also those of plans made for a value, and no now() or "
        f"current_date."
    )


def left_out(index: IndexDef, served: Iterable[str], uses: Uses) -> Iterator[str]:
    """Why statements with a date behind the clock or a parameter get an index of all rows and no dated one."""
    if index.where is not None:
        return
    held = {key.column for key in index.columns}
    for key in served:
        for use in uses[key]:
            relation = use.relation
            if relation.place != index.place or relation.pages < LEAST_PAGES:
                continue
            for bound in use.bounds:
                column = relation.columns.get(bound.column)
                if bound.value is not None or bound.column not in held or column is None:
                    continue
                if is_date(column.type):
                    yield _why_not(key, bound)


def _why_not(key: str, bound: Bound) -> str:
    if bound.clock:
        return (
            f"Statement {key} takes its earliest {bound.column} from the clock. The planner does not know now() while it "
            f"chooses a plan and proves nothing from it, so no smaller index with a date in its condition is offered."
        )
    return (
        f"Statement {key} gets its earliest {bound.column} in a parameter of which no constants were seen to follow the "
        f"clock, and a generic plan proves nothing from it, so no smaller index with a date in its condition is offered."
    )
