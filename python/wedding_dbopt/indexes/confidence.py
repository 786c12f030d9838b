"""How sure it is that an index brings what it promises."""

from __future__ import annotations

from collections.abc import Iterable

from ..catalog import Relation
from ..plan import Plan
from .definition import IndexDef
from .statistics import row_count


def confidence(index: IndexDef, relation: Relation, plans: Iterable[Plan], guessed: bool = False) -> float:
    """0.9, less for missing statistics, for expressions (no statistics yet) and for long nested loops in its plans.

    `guessed` tells that no sample says what the index's expressions keep.
    """
    found = 0.9
    if relation.rows < 0 or all(column.n_distinct is None for column in relation.columns.values()):
        found -= 0.4
    if any(key.expression is not None for key in index.columns):
        found -= 0.4 if guessed else 0.1
    if any(_loops(plan, relation) > row_count(relation) / 100 + 100 for plan in plans):
        found -= 0.2
    return found


def _loops(plan: Plan, relation: Relation) -> float:
    """How often a plan probes indexes of a table at most."""
    tables = {name for _, name in relation.holders}
    visits = (visit for visit in plan.visits() if visit.node.relation in tables and visit.node.index)
    return max((visit.executions for visit in visits), default=0.0)
