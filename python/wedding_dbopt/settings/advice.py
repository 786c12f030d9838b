"""What an adviser returns: a deed with its undoing, or, where `sql` is for a person only, a listing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEVELS = ("conservative", "moderate", "aggressive")
CRITICALITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True)
class Affected:
    """A statement that pays for what is wrong: who runs it, how often, and what it costs per hour."""

    statement_id: int
    context: str = "other"
    criticality: str = "medium"
    ms_per_hour: float = 0.0


@dataclass(frozen=True)
class Target:
    """What is changed: a parameter at a scope, a table, a role's limit, a pool.

    `kind` is function, role, database, system, table, column, index, materialized view or pooler. `name`, `schema` and
    `table` are plain names, not quoted; a function's name is its signature, and the system has none.
    """

    kind: str
    name: str | None = None
    schema: str | None = None
    table: str | None = None


@dataclass(frozen=True)
class Advice:
    """One idea. `goal` says how it is kept: a `gain` must be measured, `no harm` needs none.

    Gains are percent of the affected statements' time and milliseconds per hour, None where nothing supports a figure;
    `basis` says where they come from. `most` is the furthest mode: auto, approve (a person must agree) or recommend (a
    person must do it). `details` is what the type of action needs to know beside the statements.
    """

    kind: str
    rule: str
    target: Target
    sql: tuple[str, ...]
    rollback_sql: tuple[str, ...]
    locks: str
    reason: str
    level: str = "moderate"
    most: str = "auto"
    goal: str = "no harm"
    parameter: str | None = None
    value: str | None = None
    gain_percent: float | None = None
    gain_ms_per_hour: float | None = None
    basis: str = "not estimated: nothing measured supports a figure"
    affected: tuple[Affected, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    season: str | None = None

    @property
    def context(self) -> str:
        """The context that pays most."""
        costs: dict[str, float] = {}
        for statement in self.affected:
            costs[statement.context] = costs.get(statement.context, 0.0) + statement.ms_per_hour
        return max(costs, key=lambda name: costs[name]) if costs else "other"

    @property
    def criticality(self) -> str:
        """The highest among the statements that pay."""
        return max((s.criticality for s in self.affected), key=CRITICALITIES.index, default="medium")

    @property
    def statements(self) -> tuple[int, ...]:
        return tuple(statement.statement_id for statement in self.affected)


def size(number: float) -> str:
    """Bytes for people: 512 kB, 4.0 MB, 1.5 GB."""
    for unit, factor in (("GB", 2**30), ("MB", 2**20)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number / 1024:.0f} kB"


def quoted(name: str) -> str:
    """An identifier, always in quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A string constant that means the same whatever standard_conforming_strings is."""
    doubled = value.replace("'", "''")
    return "E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in doubled else f"'{doubled}'"
