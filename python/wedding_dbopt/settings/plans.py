"""The plans of the workload's statements: remembered by fingerprint, and planned again under another setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wedding_dbopt.database import Database
from wedding_dbopt.errors import DboptError
from wedding_dbopt.plan import Node, Plan
from wedding_dbopt.planning import PlanningSession
from wedding_dbopt.query import Query
from wedding_dbopt.settings.advice import Affected

_REMEMBER = """
insert into _wedding_dbopt.statement_plan as p (statement_id, fingerprint, first_seen, last_seen, cost, shape)
values ($1, $2, $3, $3, $4, $5)
on conflict (statement_id, fingerprint) do update set last_seen = greatest(p.last_seen, excluded.last_seen), cost = excluded.cost
"""
#: Characters of a shape that are kept: enough for the tables and indexes of a dozen nodes.
SHAPE_LENGTH = 1000


@dataclass(frozen=True)
class Planned:
    """A statement of the workload with the role that issued it and, once planned, its plan."""

    statement: Affected
    query: Query
    userid: int | None
    plan: Plan | None = None


def planned(session: PlanningSession, members: Sequence[Planned]) -> list[Planned]:
    """The members with their plans as things are; what cannot be planned has none."""
    return [
        Planned(member.statement, member.query, member.userid, _plan(session, member)) for member in members
    ]


def _plan(session: PlanningSession, member: Planned) -> Plan | None:
    try:
        return Plan.from_json(session.explain(member.query, member.userid))
    except (DboptError, ValueError):
        return None


def remember(database: Database, members: Sequence[Planned], at: str) -> None:
    """Keep which plan each statement had at a time."""
    for member in members:
        if member.plan is not None:
            database.query(
                _REMEMBER,
                ["integer", "text", "timestamptz", "float8", "text"],
                [
                    member.statement.statement_id,
                    member.plan.fingerprint(),
                    at,
                    member.plan.total_cost,
                    shape(member.plan.root)[:SHAPE_LENGTH],
                ],
            )


def shape(node: Node) -> str:
    """The plan in one line, without figures or values: Nested Loop(Seq Scan on a, Index Scan on b by b_pkey)."""
    own = node.label() + (f" by {node.index}" if node.index else "")
    below = ", ".join(shape(child) for child in node.children)
    return f"{own}({below})" if below else own


def replanned(
    database: Database, session: PlanningSession, members: Sequence[Planned], values: Mapping[str, str]
) -> list[Affected]:
    """The statements that get another plan when the parameters have these values; `members` have been planned before.

    The values hold inside a subtransaction that is rolled back. They are the planner's own parameters, which the functions
    that plan for other roles do not set themselves.
    """
    changed: list[Affected] = []
    with database.rolled_back():
        for name, value in values.items():
            database.query(
                "select pg_catalog.set_config($1, $2, true) as set", ["text", "text"], [name, value]
            )
        for member in members:
            if member.plan is None:
                continue
            other = _plan(session, member)
            if other is not None and other.fingerprint() != member.plan.fingerprint():
                changed.append(member.statement)
    return changed
