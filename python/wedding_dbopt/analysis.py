"""analyze_query: one statement, its plan, proven rewrites, indexes that would help, and what each would gain."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.classify import Classification, classify
from wedding_dbopt.database import Database
from wedding_dbopt.errors import DboptError, MissingExtension, QueryRequired
from wedding_dbopt.indexes.advise import Advice, WorkloadStatement, advise
from wedding_dbopt.indexes.recommendation import Recommendation
from wedding_dbopt.indexes.sample import Sampler
from wedding_dbopt.plan import Plan
from wedding_dbopt.planning import PlanningSession, planning_session
from wedding_dbopt.query import Query
from wedding_dbopt.rewrite.engine import semantic_options
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.worth import Verdict, worthwhile
from wedding_dbopt.touched import tags, touched
from wedding_dbopt.tuning.dictionary import Names, rules
from wedding_dbopt.tuning.recommend import as_row, scanned

INDEX_SEARCH_SECONDS = 5.0


class OneStatement:
    """The plan source of the index search for a single statement of the caller."""

    def __init__(self, session: PlanningSession, query: Query) -> None:
        self._session = session
        self._query = query
        self.create_hypothetical = session.create_hypothetical
        self.drop_hypothetical = session.drop_hypothetical

    def explain(self, key: str) -> Any:
        return self._session.explain(self._query)


def analyze(database: Database, text: str | None, context: str | None, level: str) -> dict[str, Any]:
    """The result of analyze_query as a jsonable dictionary. Raises DboptError for what cannot be analysed."""
    if text is None:
        raise QueryRequired
    query = Query.parse(text)
    with planning_session(database) as session:
        original = Plan.from_json(session.explain(query))
        catalog = Catalog.load(database, (*query.tables, *scanned(original)), session.search_path())
        context_rules = rules(database)
        classification = classify(
            touched(query), context_rules, Names(database).of_caller(), context_rules.of_tags(tags(text))
        )
        facts = Facts.load(database, catalog, session.search_path())
        verdict = _rewritten(session, query, facts, level, original)
        rewriting = verdict.rewriting
        best = bool(rewriting.steps)
        chosen = Query.parse(rewriting.text) if best else query
        optimized = Plan.from_json(session.explain(chosen)) if best else original
        advice, missing = _indexes(database, session, chosen, catalog, classification)
    table_rows = _rows(catalog)
    gain = 1 - optimized.total_cost / original.total_cost if original.total_cost > 0 else 0.0
    options = [asdict(option) for option in semantic_options(query, facts)]
    return {
        "original_query": text,
        "optimized_query": rewriting.text if best else text,
        "performance_improvement": round(100 * gain, 2) if best else 0,
        "performance_basis": "planner cost",
        "execution_plan": optimized.summary(),
        "original_execution_plan": original.summary(),
        "steps": [asdict(step) for step in rewriting.steps] if best else [],
        "index_recommendations": [_recommendation(item) for item in advice.recommendations],
        "semantic_options": options,
        "wedding_optimization_notes": _notes(verdict, gain, advice, missing, original, table_rows),
        "cost_analysis": {
            "before": _costs(original, table_rows),
            "after": _costs(optimized, table_rows),
            "explain_calls": advice.explain_calls,
        },
        "findings": [
            {"kind": item.kind, "table": item.node.relation, "numbers": dict(item.numbers), "text": item.text}
            for item in original.findings(table_rows, _work_mem(database))
        ],
        "wedding_context": classification.context,
        "business_criticality": classification.criticality,
        "requested_context": context,
        "optimization_level": level,
    }


def _rewritten(session: PlanningSession, query: Query, facts: Facts, level: str, original: Plan) -> Verdict:
    """The rewriting that is worth it by the planner's cost, or by the test of a rule."""

    def cost(text: str) -> float | None:
        if text == query.text:
            return original.total_cost
        try:
            return Plan.from_json(session.explain(Query.parse(text))).total_cost
        except DboptError:
            return None

    return worthwhile(query, facts, level, cost)


def _indexes(
    database: Database,
    session: PlanningSession,
    query: Query,
    catalog: Catalog,
    classification: Classification,
) -> tuple[Advice, str | None]:
    statement = WorkloadStatement(
        "query", query, 1.0, 0.0, classification.criticality, classification.context
    )
    sampler = Sampler(database, session.reader)
    started = time.monotonic()
    try:
        return (
            advise(
                [statement],
                catalog,
                OneStatement(session, query),
                storage_budget=2**62,
                deadline=started + INDEX_SEARCH_SECONDS,
                clock=time.monotonic,
                prove=sampler.prove,
                measure=sampler.measure,
            ),
            None,
        )
    except MissingExtension as error:
        return Advice((), (), 0), f"{error}. {error.hint}"


def _recommendation(item: Recommendation) -> dict[str, Any]:
    row = as_row(item)
    return {**row, "benefits": json.loads(row["benefits"])}


def _rows(catalog: Catalog) -> dict[str, float]:
    return {f"{relation.schema}.{relation.name}": relation.rows for relation in catalog.relations()}


def _work_mem(database: Database) -> int:
    return int(
        database.query(
            "select setting::bigint * 1024 as bytes from pg_catalog.pg_settings where name = 'work_mem'"
        )[0]["bytes"]
    )


def _costs(plan: Plan, table_rows: dict[str, float]) -> dict[str, Any]:
    return {
        "startup_cost": plan.root.startup_cost,
        "total_cost": plan.total_cost,
        "rows_returned": plan.rows_returned,
        "rows_examined": round(plan.rows_examined(table_rows)),
        "width": plan.root.width,
        "nodes": plan.summary()["nodes"],
    }


def _notes(
    verdict: Verdict,
    gain: float,
    advice: Advice,
    missing: str | None,
    original: Plan,
    table_rows: dict[str, float],
) -> list[str]:
    """What was found, in plain words with numbers."""
    notes = []
    names = ", ".join(dict.fromkeys(step.rule for step in verdict.rewriting.steps))
    if names and verdict.by_rule:
        notes.append(
            f"Rewritten by {names}: same rows; its own test decides, the planner's cost misleads here."
        )
    elif names:
        notes.append(f"Rewritten by {names}: same rows, planner cost {100 * gain:.1f} % lower.")
    if verdict.refused:
        notes.append(
            f"{', '.join(verdict.refused)} would apply, but the planner's cost does not fall by 5 %, "
            "so the text stays as it is there."
        )
    notes += [item.reason for item in advice.recommendations]
    notes += [f"No index advice: {reason}." for _, reason in advice.skipped]
    if missing:
        notes.append(missing)
    examined, returned = original.rows_examined(table_rows), original.rows_returned
    if examined > 100 * max(returned, 1):
        notes.append(f"About {examined:,.0f} rows are examined to return {returned:,.0f}.")
    return notes
