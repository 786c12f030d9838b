"""A recommendation as an adviser gives it, and how it is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wedding_dbopt.database import Database
from wedding_dbopt.tuning.deeds import DEEDS
from wedding_dbopt.tuning.deeds.deed import ABSENT, Script, identifier

_COLUMNS = {
    "fingerprint": "text",
    "run_id": "bigint",
    "kind": "text",
    "object_kind": "text",
    "schema_name": "text",
    "table_name": "text",
    "object_name": "text",
    "columns": "text[]",
    "index_type": "text",
    "where_clause": "text",
    "details": "jsonb",
    "sql": "text[]",
    "final_sql": "text[]",
    "rollback_sql": "text[]",
    "locks": "text",
    "safety": "text",
    "risk": "text",
    "season": "text",
    "goal": "text",
    "estimated_bytes": "bigint",
    "estimated_gain_ms": "numeric",
    "estimated_improvement": "numeric",
    "stated_improvement": "numeric",
    "benefits": "jsonb",
    "write_cost": "numeric",
    "context": "text",
    "criticality": "text",
    "priority": "text",
    "confidence": "numeric",
    "stated_confidence": "numeric",
    "proof": "text",
    "reason": "text",
}
#: What a recommendation is known by stays as it was; the rest is what the latest run found.
_KEPT = ("fingerprint", "kind", "object_kind", "schema_name", "table_name", "object_name")
_STORE = f"""
insert into _wedding_dbopt.recommendation ({", ".join(_COLUMNS)}, created_at, updated_at, expires_at)
values ({", ".join(f"${place}" for place in range(1, len(_COLUMNS) + 1))}, clock_timestamp(), clock_timestamp(),
        clock_timestamp() + _wedding_dbopt.setting_value('recommendation_lifetime')::interval)
on conflict (fingerprint) do update set
  {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _KEPT)},
  updated_at = excluded.updated_at, expires_at = excluded.expires_at, status = 'open', status_reason = null
"""


@dataclass(frozen=True)
class Idea:
    """What should be done and why. Gains in ms per hour of the observed workload and percent of planner cost.

    `kind` is an action type, or another word for what only people can do. `safety`: auto may be applied by itself in mode
    auto, consent waits for somebody's approval in any mode, manual is never applied by us. `risk` (low, medium, high)
    and `confidence` decide from which level on it is taken. `benefits` names the statements it should serve.
    `goal`: a measured `gain`, or `no harm`.
    """

    kind: str
    object_kind: str
    sql: tuple[str, ...]
    rollback_sql: tuple[str, ...]
    reason: str
    schema: str | None = None
    table: str | None = None
    object: str | None = None
    final_sql: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    index_type: str | None = None
    where_clause: str | None = None
    benefits: tuple[Mapping[str, Any], ...] = ()
    estimated_bytes: int | None = None
    estimated_gain_ms: float | None = None
    estimated_improvement: float | None = None
    write_cost: float | None = None
    context: str = "other"
    criticality: str = "low"
    priority: str = "low"
    confidence: float = 1.0
    proof: str = "catalogue"
    safety: str = "auto"
    risk: str = "low"
    season: str | None = None
    goal: str = "gain"
    locks: str | None = None

    @property
    def fingerprint(self) -> str:
        """The same idea in the next run has the same one. The kind is not in that of indexes, whose SQL says it."""
        return hashlib.sha256("\n".join((*self.sql, *self.final_sql)).encode()).hexdigest()

    @property
    def locks_in_words(self) -> str:
        """The locks its statements take, as the type of action says if the idea does not."""
        if self.locks is not None or self.kind not in DEEDS:
            return self.locks or ""
        table = identifier(*(part for part in (self.schema, self.table) if part)) or "nothing"
        return DEEDS[self.kind].locks.replace("{table}", table)


def _script(database: Database, idea: Idea) -> Script:
    """The statements as the tuner would run them now, so that a preview shows just these."""
    said = Script(idea.sql, idea.final_sql, idea.rollback_sql)
    if idea.kind not in DEEDS or idea.safety == "manual":
        return said
    action = {
        "id": 0,
        "state": "approved",
        "action_type": idea.kind,
        "object_kind": idea.object_kind,
        "schema_name": idea.schema,
        "table_name": idea.table,
        "object_name": idea.object,
        "details": dict(idea.details),
        "sql": list(idea.sql),
        "final_sql": list(idea.final_sql),
        "rollback_sql": list(idea.rollback_sql),
        "started_at": None,
        "image_before": None,
        "image_after": None,
    }
    deed = DEEDS[idea.kind]
    return deed.prepare(database, action) if deed.look(database, action).there == ABSENT else said


def store(database: Database, run_id: int, idea: Idea) -> None:
    """Store an idea, or renew the one that says the same; its estimates corrected by how past ones held."""
    known = database.query(
        """select estimate_factor, confidence_factor from _wedding_dbopt.calibration()
           where action_type = $1 and proof = $2""",
        ["text", "text"],
        [idea.kind, idea.proof],
    )
    sized, trusted = (
        (float(known[0]["estimate_factor"]), float(known[0]["confidence_factor"])) if known else (1.0, 1.0)
    )
    script = _script(database, idea)
    values = {
        "estimated_gain_ms": _scaled(idea.estimated_gain_ms, sized),
        "estimated_improvement": _scaled(idea.estimated_improvement, sized),
        "stated_improvement": idea.estimated_improvement,
        "confidence": min(idea.confidence * trusted, 1.0),
        "stated_confidence": idea.confidence,
        "fingerprint": idea.fingerprint,
        "run_id": run_id,
        "schema_name": idea.schema,
        "table_name": idea.table,
        "object_name": idea.object,
        "columns": list(idea.columns),
        "details": json.dumps({**idea.details, **script.details}),
        "sql": list(script.sql),
        "final_sql": list(script.final_sql),
        "rollback_sql": list(script.rollback_sql),
        "locks": idea.locks_in_words,
        "benefits": json.dumps(list(idea.benefits)),
    }
    database.query(
        _STORE,
        list(_COLUMNS.values()),
        [values[name] if name in values else getattr(idea, name) for name in _COLUMNS],
    )


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else round(value * factor, 3)
