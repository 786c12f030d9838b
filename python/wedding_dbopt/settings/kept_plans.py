"""Reads which statements keep a generic plan, and whether the most frequent value would get another one.

Only statements of one table with one parameter that is compared with a column: more parameters would need values that go
together, and nobody tells which do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from wedding_dbopt.database import Database, Row
from wedding_dbopt.errors import DboptError
from wedding_dbopt.plan import Plan
from wedding_dbopt.planning import PlanningSession
from wedding_dbopt.query import Query
from wedding_dbopt.settings.advice import literal
from wedding_dbopt.settings.plan_cache_mode import Cached
from wedding_dbopt.settings.plans import Planned

_FREQUENT = """
select (s.most_common_vals::text::text[])[1] as value, s.most_common_freqs[1] as share
from pg_catalog.pg_stats s where s.schemaname = $1 and s.tablename = $2 and s.attname = $3 and not s.inherited
"""
_PARAMETER = re.compile(r"\$1(?![0-9])")


def kept_plans(database: Database, session: PlanningSession, members: Sequence[Planned]) -> list[Cached]:
    """The statements with a kept plan among the members, which have been planned before."""
    known = {member.statement.statement_id: member for member in members}
    return [
        Cached(
            known[row["statement_id"]].statement,
            row["role"],
            bool(row["superuser"]),
            int(row["calls"]),
            int(row["plans"]),
            float(row["mean_ms"]),
            float(row["deviation_ms"]),
            float(row["planning_ms"]),
            _share(database, session, known[row["statement_id"]]),
            row["own_value"],
        )
        for row in database.query("select * from _wedding_dbopt.kept_plans()")
        if row["statement_id"] in known
    ]


def compared_column(query: Query) -> str | None:
    """The column that the only parameter is compared with by `=`; None for any other use of it."""
    if query.parameter_count != 1 or len(_PARAMETER.findall(query.plannable)) != 1:
        return None
    for comparison in query.tree.find_all(exp.EQ):
        sides = (comparison.this, comparison.expression)
        for column, value in (sides, sides[::-1]):
            if isinstance(column, exp.Column) and isinstance(value, exp.Parameter):
                return column.name if column.this.quoted else column.name.lower()
    return None


def _share(database: Database, session: PlanningSession, member: Planned) -> float:
    """The share of the rows with the most frequent value, when it gets a plan of its own; else 0."""
    column = compared_column(member.query)
    scans = member.plan.scans() if member.plan is not None else ()
    if column is None or member.plan is None or len(scans) != 1:
        return 0.0
    rows: list[Row] = database.query(
        _FREQUENT, ["name", "name", "name"], [scans[0].schema, scans[0].relation, column]
    )
    if not rows or rows[0]["value"] is None:
        return 0.0
    text = _PARAMETER.sub(lambda _: literal(str(rows[0]["value"])), member.query.plannable)
    try:
        custom = session.explain(replace(member.query, plannable=text, parameter_count=0), member.userid)
        other = Plan.from_json(custom).fingerprint() != member.plan.fingerprint()
    except (DboptError, ValueError):
        return 0.0
    return float(rows[0]["share"]) if other else 0.0
