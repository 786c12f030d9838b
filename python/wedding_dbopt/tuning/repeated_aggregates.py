"""Aggregates that are asked again and again: a materialised view, refreshed by pg_cron, could keep their few rows.

Nothing uses the view by itself: the application's statement must be changed to read it, so a person approves. The view
must show nothing to anybody who may not see it: none is proposed over a table with row-level security or of tables of
different owners; it belongs to their owner, and only who may read all of them may read it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from wedding_dbopt.catalog import Catalog, Relation
from wedding_dbopt.database import Database
from wedding_dbopt.errors import DboptError, stack_bound
from wedding_dbopt.plan import Plan
from wedding_dbopt.planning import PlanningSession, planning_session
from wedding_dbopt.query import Query, named, table_nodes
from wedding_dbopt.rewrite.facts import TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.proposals import KeptAggregate, kept_aggregate
from wedding_dbopt.tuning.deeds.cache_optimization import readers_of, view_script
from wedding_dbopt.tuning.deeds.deed import identifier
from wedding_dbopt.tuning.idea import Idea
from wedding_dbopt.tuning.members import Member, collected

MINUTES = 15
SCHEDULE = f"*/{MINUTES} * * * *"
#: It pays where it is asked so many times for each refresh.
CALLS_PER_REFRESH = 10
LEAST_MS = 5.0
MOST = 20
_CRON = "select exists (select from pg_catalog.pg_extension where extname = 'pg_cron') as there"


@dataclass(frozen=True)
class _Aggregate:
    kept: KeptAggregate
    relations: tuple[Relation, ...]
    text: str


def aggregate_ideas(database: Database, run_id: int) -> list[Idea]:
    """Ideas of kind cache_optimization, each a view with its index, rights and refresh."""
    if not database.query(_CRON)[0]["there"]:
        return []
    members, _, window = collected(database)
    hours = max(window / 3600, 1 / 60)
    ideas: list[Idea] = []
    with planning_session(database, contained=True) as session:
        for member in members:
            often = member.statement.calls / hours >= CALLS_PER_REFRESH * 60 / MINUTES
            if often and member.statement.mean_ms >= LEAST_MS and len(ideas) < MOST:
                try:
                    found = _aggregate(database, session, member)
                except DboptError:
                    continue  # the adviser of indexes says why
                idea = None if found is None else _idea(database, member, found, hours)
                if idea is not None:
                    ideas.append(idea)
    return ideas


@stack_bound
def _aggregate(database: Database, session: PlanningSession, member: Member) -> _Aggregate | None:
    query = member.statement.query
    if query.kind != "select" or query.parameter_count:
        return None
    plan = Plan.from_json(session.explain(query, member.userid))
    path = session.search_path(member.userid)
    catalog = Catalog.load(database, query.tables, path)
    relations = [catalog.relation(table) for table in query.tables]
    plain = tuple(relation for relation in relations if relation is not None and relation.kind in ("r", "p"))
    if not plain or len(plain) < len(relations):
        return None
    facts = Facts.load(database, catalog, path, query.text)
    rows = {f"{relation.schema}.{relation.name}": relation.rows for relation in plain}
    kept = kept_aggregate(query, plan, plan.rows_examined(rows))
    if kept is None or not kept.key or facts.shadowed or facts.operators_shadowed:
        return None
    if any(_depends_on_zone(node, facts) for node in query.tree.find_all(exp.Column)):
        return None
    return _Aggregate(kept, plain, _qualified(query, catalog))


def _depends_on_zone(node: exp.Column, facts: Facts) -> bool:
    """What is computed from such a column is another thing in another session's time zone; an unknown one may be one."""
    fact = facts.column(node)
    return fact is None or fact.column.type_oid == TIMESTAMPTZ


def _qualified(query: Query, catalog: Catalog) -> str:
    """The statement with the schema before each table: it means the same under any search path."""
    text = query.plannable
    for node in reversed(table_nodes(query.tree)):
        relation = catalog.relation(named(node))
        if not node.args.get("db") and relation is not None:
            start = int(node.this.meta["start"])
            text = f"{text[:start]}{identifier(relation.schema)}.{text[start:]}"
    return text


def _idea(database: Database, member: Member, found: _Aggregate, hours: float) -> Idea | None:
    place = found.relations[0]
    tables = sorted({identifier(relation.schema, relation.name) for relation in found.relations})
    access = readers_of(database, tables)
    if access is None:
        return None
    view = identifier(place.schema, found.kept.name)
    details = {
        "query": found.text,
        "tables": tables,
        "access": access,
        "key": list(found.kept.key),
        "index": f"{found.kept.name}_key",
        "refresh": {
            "job": f"wedding_dbopt refresh {view}",
            "schedule": SCHEDULE,
            "command": f"refresh materialized view concurrently {view}",
        },
        "statement": f"SELECT * FROM {view}",
    }
    statement = member.statement
    calls = statement.calls / hours
    sql, rollback = view_script(view, details, ())
    return Idea(
        kind="cache_optimization",
        object_kind="materialized view",
        schema=place.schema,
        table=place.name,
        object=found.kept.name,
        sql=sql,
        rollback_sql=rollback,
        details=details,
        benefits=({"statement_id": int(statement.key)},),
        context=statement.context,
        criticality=statement.criticality,
        confidence=0.5,
        safety="consent",
        risk="high",
        goal="no harm",
        reason=f"The aggregate is asked {calls:,.0f} times an hour, {statement.mean_ms:,.1f} ms each, and reads about "
        f"{found.kept.examined:,.0f} rows for {found.kept.rows:,.0f}. A materialised view would be computed {60 // MINUTES} "
        f"times an hour instead and be up to {MINUTES} minutes old. Nothing uses it by itself: the statement must be changed to "
        f"{details['statement']}, with its own ORDER BY, by somebody who knows that stale figures will do.",
    )
