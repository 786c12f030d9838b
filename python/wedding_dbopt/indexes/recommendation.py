"""A chosen index as people read it: its statements, what it brings, how sure that is and why, in numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .dated import Dated, details_of, notes_of
from .definition import IndexDef, Key

_CRITICALITIES = ("low", "medium", "high", "critical")
_LARGE_GAIN = 0.2
_SMALL_GAIN = 0.05
_MOST = 0.5
# One text does not tell whether its date moves.
_ONE_TEXT = 0.2


@dataclass(frozen=True)
class Benefit:
    """One statement that uses the index: planner costs before and after, ms won and spent in the window."""

    key: str
    cost_before: float
    cost_after: float
    saved_ms: float
    total_ms: float
    context: str
    criticality: str
    observed: bool
    note: str = ""


@dataclass(frozen=True)
class Recommendation:
    """An index worth having.

    `benefits` are (statement key, planner's cost before, after); `total_benefit_ms` and `write_cost` are ms
    per window; `relative_gain` is the share (0..1) of the time of the statements that use it. `dated` is what is known of
    the date that it begins at.
    """

    index: IndexDef
    create_sql: str
    drop_sql: str
    name: str
    estimated_bytes: int
    benefits: tuple[tuple[str, float, float], ...]
    total_benefit_ms: float
    relative_gain: float
    write_cost: float
    context: str
    criticality: str
    priority: str
    confidence: float
    proof: str
    reason: str
    dated: Dated | None = None


def recommendation(
    index: IndexDef,
    benefits: Sequence[Benefit],
    *,
    size: int,
    write_cost: float,
    confidence: float,
    proof: str,
    notes: Iterable[str] = (),
    dated: Dated | None = None,
) -> Recommendation:
    """Put together what is known of an index; `benefits` has at least one entry, `notes` end the reason."""
    saved = sum(benefit.saved_ms for benefit in benefits)
    gain = saved / max(sum(benefit.total_ms for benefit in benefits), 1e-9)
    leading = max(benefits, key=lambda benefit: (benefit.saved_ms, benefit.key))
    criticality = max((benefit.criticality for benefit in benefits), key=_rank)
    return Recommendation(
        index=index,
        create_sql=index.create_sql(),
        drop_sql=index.drop_sql(),
        name=index.name(),
        estimated_bytes=size,
        benefits=tuple((benefit.key, benefit.cost_before, benefit.cost_after) for benefit in benefits),
        total_benefit_ms=saved,
        relative_gain=gain,
        write_cost=write_cost,
        context=leading.context,
        criticality=criticality,
        priority=_priority(criticality, gain),
        confidence=round(confidence - (_ONE_TEXT if dated is not None and dated.window is None else 0.0), 2),
        proof=proof,
        reason=" ".join(
            [
                _reason(index, benefits, size, write_cost, proof),
                *([notes_of(dated)] if dated is not None else []),
                *notes,
            ]
        ),
        dated=dated,
    )


def _rank(criticality: str) -> int:
    return _CRITICALITIES.index(criticality) if criticality in _CRITICALITIES else 1


def _priority(criticality: str, gain: float) -> str:
    """The statements' criticality, one step lower when less than 20 % of their time is won, two below 5 %."""
    steps = 0 if gain >= _LARGE_GAIN else 1 if gain >= _SMALL_GAIN else 2
    return _CRITICALITIES[max(_rank(criticality) - steps, 0)]


def _reason(index: IndexDef, benefits: Sequence[Benefit], size: int, write_cost: float, proof: str) -> str:
    before = sum(benefit.cost_before for benefit in benefits)
    after = sum(benefit.cost_after for benefit in benefits)
    saved = sum(benefit.saved_ms for benefit in benefits)
    many = len(benefits)
    keys = ", ".join(key.sql() for key in index.columns)
    who = "one statement uses it" if many == 1 else f"{many} statements use it"
    basis = "measured on a sample" if proof == "sample" else "planned with the index in place"
    text = (
        f"An index on {index.table} ({keys}): {who}; "
        f"the planner's cost falls from {before:,.1f} to {after:,.1f} "
        f"({1 - after / max(before, 1e-9):.1%} less, {basis}). It takes about {size / 1e6:,.1f} MB."
    )
    if all(benefit.observed for benefit in benefits):
        text += (
            f" It saves about {saved:,.1f} ms of the observed time and costs {write_cost:,.1f} ms of writing."
        )
    if index.where is not None:
        only = "only " if index.fraction < _MOST else ""
        text += f" It holds {only}the {index.fraction:.1%} of the rows where {index.where}."
    if index.include:
        text += f" It also holds {', '.join(index.include)}, so that the table itself need not be read."
    return " ".join([text, *(benefit.note for benefit in benefits if benefit.note)])


def as_row(item: Recommendation) -> dict[str, Any]:
    """A recommendation with the names of the SQL result; gains in ms of the window and percent of planner cost."""
    before = sum(cost for _, cost, _ in item.benefits)
    after = sum(cost for _, _, cost in item.benefits)
    return {
        "schema_name": item.index.schema,
        "table_name": item.index.table,
        "columns": [_shown(key) for key in item.index.columns],
        "index_type": item.index.method,
        "index_name": item.name,
        "where_clause": item.index.where,
        "implementation_sql": item.index.create_sql(item.name, concurrently=True),
        "rollback_sql": item.index.drop_sql(item.name, concurrently=True),
        "estimated_bytes": item.estimated_bytes,
        "estimated_improvement": round(100 * (1 - after / before), 2) if before > 0 else 0.0,
        "estimated_gain_ms": round(item.total_benefit_ms, 3),
        "write_cost": round(item.write_cost, 3),
        "wedding_context": item.context,
        "criticality": item.criticality,
        "priority": item.priority,
        "confidence": item.confidence,
        "proof": item.proof,
        "benefits": json.dumps(
            [
                {"statement_id": key, "cost_before": round(first, 2), "cost_after": round(last, 2)}
                for key, first, last in item.benefits
            ]
        ),
        "reason": item.reason,
        "include_columns": list(item.index.include),
        "kind": "index_creation",
        "details": {} if item.dated is None else {"dated": details_of(item.dated)},
    }


def _shown(key: Key) -> str:
    """A key as people read it: a column's plain name, an expression's text, the direction where it is not the default."""
    return key.sql().replace(key.term.sql, key.column, 1) if key.column else key.sql()
