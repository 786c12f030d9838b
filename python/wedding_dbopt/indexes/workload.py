"""The statements of one search: what each asks for, what the planner took of what it was offered, and how much each counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..database import DatabaseError
from ..errors import DboptError
from ..query import Query
from .benefits import Asker
from .candidates import Candidates
from .cost import IMPORTANCE, Weight, balanced, believed_cost, credited, usual_rate
from .dated import Dated, Dating, Window, boundaries, with_dates
from .definition import IndexDef
from .predicates import TableUse
from .selection.problem import Team
from .what_if import WhatIf

# More statements than this leave no plans for candidates that are rarely the best.
FEW_STATEMENTS = 40


@dataclass(frozen=True)
class WorkloadStatement:
    """One statement: its key at the plan source, its parsed text, calls in the window, mean ms of a call.

    `windows` tells by column of earliest dates that were seen to follow the clock.
    """

    key: str
    query: Query
    calls: float
    mean_ms: float
    criticality: str
    context: str
    windows: Mapping[str, Window] = field(default_factory=dict)


@dataclass(frozen=True)
class Unread:
    """A statement that could not be read or planned, or not in time: its key, the reason, and what else the failure said."""

    key: str
    reason: str
    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None

    @classmethod
    def failed(cls, key: str, error: DboptError | DatabaseError | ValueError) -> Unread:
        """One whose reading met an error."""
        if isinstance(error, ValueError):
            return cls(key, str(error))
        return cls(key, str(error), error.sqlstate, error.detail, error.hint)


@dataclass
class Workload:
    """All that could be planned, by key. A statement priced with several constants stands here once for each of its `parts`.

    `teams` are the indexes that the planner took together, in the order in which they were found; `dated` are the dates
    that an index may begin at, by place and condition.
    """

    what_if: WhatIf
    statements: dict[str, WorkloadStatement] = field(default_factory=dict)
    uses: dict[str, tuple[TableUse, ...]] = field(default_factory=dict)
    candidates: dict[str, Candidates] = field(default_factory=dict)
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    teams: dict[Team, None] = field(default_factory=dict)
    dated: dict[tuple[tuple[str, str], str], Dated] = field(default_factory=dict)

    @property
    def few(self) -> bool:
        """Whether each statement may be planned often."""
        return len(self.uses) <= FEW_STATEMENTS

    def date(self, dating: Dating) -> None:
        """Let statements be served by indexes that begin at a date, where their constants prove it."""
        windows = {key: item.windows for key, item in self.statements.items()}
        found = boundaries(self.uses, windows, dating)
        self.dated = {((item.schema, item.table), item.condition): item for item in found}
        if found:
            self.uses = with_dates(self.uses, found)

    def whole(self, key: str) -> str:
        """The statement that a key stands for, alone or as one of its parts."""
        return self.parts.get(key, (key,))[0]

    def weights(self) -> dict[str, Weight]:
        """Measured time in the window; where nothing was measured, the planner's cost in its place, balanced with all others."""
        costs = {
            key: self.what_if.cost(key, frozenset()).worth for key in self.uses if self.whole(key) == key
        }
        means = {key: self.statements[key].mean_ms for key in costs if self.statements[key].mean_ms > 0}
        rate = usual_rate(means, costs)
        known = {key: mean / rate for key, mean in means.items()}
        guessed = balanced({**costs, **known}, believed_cost(rate))
        found = {}
        for key in self.uses:
            whole = self.whole(key)
            statement = self.statements[whole]
            mean = credited(means[whole], rate * costs[whole]) if whole in means else rate * guessed[whole]
            importance = IMPORTANCE.get(statement.criticality, 1.0)
            calls = statement.calls / len(self.parts.get(key, (key,)))
            found[key] = Weight(calls * mean, importance, calls, whole in means)
        return found

    def askers(self) -> dict[str, Asker]:
        """Who pays for each statement."""
        return {
            key: Asker(item.context, item.criticality, item.mean_ms > 0)
            for key, item in self.statements.items()
        }

    def updates_of(self, index: IndexDef) -> float:
        """The calls in the window that set a column of an index."""
        columns = {column for key in index.columns for column in key.term.columns} | set(index.include)
        return sum(
            self.statements[key].calls
            for key, uses in self.uses.items()
            if any(use.relation.place == index.place and use.written & columns for use in uses)
        )

    def keep_asked(self) -> None:
        """Forget the teams that concern no statement any more."""
        self.teams = {
            team: None
            for team in self.teams
            if any(self.what_if.concerns(key, index) for index in team for key in self.uses)
        }
