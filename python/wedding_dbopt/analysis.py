"""analyze_query: one statement, its plan, proven rewrites, indexes that would help, and what each would gain."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from wedding_dbopt import __version__
from wedding_dbopt import analysis_report as report
from wedding_dbopt.analysis_report import Together
from wedding_dbopt.catalog import Catalog
from wedding_dbopt.classify import Classification, classify
from wedding_dbopt.database import Database
from wedding_dbopt.errors import DboptError, MissingExtension, QueryRequired
from wedding_dbopt.indexes.advise import Advice, advise
from wedding_dbopt.indexes.dated import Dating
from wedding_dbopt.indexes.plan_conditions import scanned
from wedding_dbopt.indexes.recommendation import as_row
from wedding_dbopt.indexes.sample import Sampler
from wedding_dbopt.indexes.timeline import Timelines
from wedding_dbopt.indexes.workload import WorkloadStatement
from wedding_dbopt.plan import Plan
from wedding_dbopt.planning import PlanningSession, planning_session
from wedding_dbopt.query import Query, Table
from wedding_dbopt.rewrite.choice import Chooser
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.measure import Limits
from wedding_dbopt.rewrite.semantic import semantic_options
from wedding_dbopt.rewrite.use import note
from wedding_dbopt.rewrite.worth import MIN_GAIN
from wedding_dbopt.touched import tags, touched
from wedding_dbopt.tuning.dictionary import Names, rules
from wedding_dbopt.tuning.index_settings import judged_by
from wedding_dbopt.tuning.members import Member
from wedding_dbopt.tuning.time_budget import attentive
from wedding_dbopt.tuning.workload_source import WorkloadSource

INDEX_SEARCH_SECONDS = 5.0


def analyze(
    database: Database,
    text: str | None,
    context: str | None,
    level: str,
    measure: bool = False,
    needed_columns: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The result of analyze_query as a jsonable dictionary. Raises DboptError for what cannot be analysed.

    `measure` runs the statement and its rewritten form, read-only and rolled back. `needed_columns` are those that the
    caller reads.
    """
    if text is None:
        raise QueryRequired
    query = Query.parse(text)
    with planning_session(database) as session:
        explained = session.explain(query)
        original = Plan.from_json(explained)
        path = session.search_path()
        catalog = Catalog.load(database, (*query.tables, *scanned(original)), path)
        context_rules = rules(database)
        classification = classify(
            touched(query), context_rules, Names(database).on_path(path), context_rules.of_tags(tags(text))
        )
        facts = Facts.load(database, catalog, path, query.text)
        chooser = Chooser(database, session, catalog, facts, query, explained, limits=_limits(database))
        choice = chooser.choose(level, measure)
        optimized = choice.plan or original
        advice, missing = _indexes(
            database,
            session,
            choice.form or query,
            explained if choice.form is None else None,
            catalog,
            classification,
        )
        together = None
        if missing is None and (served := chooser.served_by_index(level, choice)) is not None:
            form = Query.parse(served.text)
            planned = _explained(session, served.text)
            pair, _ = _indexes(database, session, form, planned, catalog, classification)
            plain = original.total_cost
            other = plain if planned is None else Plan.from_json(planned).total_cost
            costs = plain, plain * _left(advice), other * _left(pair)
            if costs[2] <= (1 - MIN_GAIN) * costs[1]:
                together = Together(served, pair, *costs)
        table_rows = _rows(catalog)
        offers = semantic_options(query, facts, needed_columns)
        options = [report.option(offer, original, _cost_of(session, offer.text)) for offer in offers]
        built = []
        if level == "aggressive":
            from wedding_dbopt.rewrite.proposals import proposals
            from wedding_dbopt.rewrite.pruning import with_pruning

            read = original.rows_examined(table_rows)
            built = [asdict(with_pruning(database, one)) for one in proposals(query, facts, original, read)]
    note(database, choice)
    before = choice.pairs[0].before if choice.pairs else None
    after = choice.pairs[0].after if choice.pairs and choice.form is not None else before
    examined = before.plan if before else original
    return {
        "version": __version__,
        "original_query": text,
        "optimized_query": text if choice.form is None else choice.rewriting.text,
        "performance_improvement": round(100 * choice.gain, 2),
        "performance_basis": choice.basis,
        "execution_plan": optimized.summary(),
        "original_execution_plan": original.summary(),
        "steps": [report.step(step) for step in choice.rewriting.steps] if choice.form is not None else [],
        "reason": choice.reason or None,
        "index_recommendations": list(_recommendations(database, catalog, advice)),
        "text_with_indexes": together
        and {
            "query": together.rewriting.text,
            "steps": [report.step(step) for step in together.rewriting.steps],
            "index_recommendations": list(_recommendations(database, catalog, together.advice)),
            "cost_before": together.before,
            "cost_after": together.after,
        },
        "semantic_options": options,
        "proposals": built,
        "wedding_optimization_notes": report.notes(
            choice, advice, missing, original, table_rows, offers, together
        ),
        "cost_analysis": {
            "before": report.costs(original, table_rows, before),
            "after": report.costs(optimized, table_rows, after),
            "with_constants": [asdict(costs) for costs in choice.costs],
            "explain_calls": advice.explain_calls,
        },
        "measurements": [pair.as_json() for pair in choice.pairs],
        "referee": choice.verdict.as_json() if choice.verdict else None,
        "findings": [
            {"kind": item.kind, "table": item.node.relation, "numbers": dict(item.numbers), "text": item.text}
            for item in examined.findings(table_rows, facts.work_mem)
        ],
        "wedding_context": classification.context,
        "business_criticality": classification.criticality,
        "requested_context": context,
        "optimization_level": level,
    }


def _left(advice: Advice) -> float:
    """The share of the statement's cost that is left with all that is advised."""
    return min(
        (after / before for item in advice.recommendations for _, before, after in item.benefits), default=1.0
    )


def _cost_of(session: PlanningSession, text: str) -> float | None:
    """The planner's cost of an offer; None where it has no plan."""
    planned = _explained(session, text)
    return None if planned is None else Plan.from_json(planned).total_cost


def _explained(session: PlanningSession, text: str) -> dict[str, Any] | None:
    try:
        return session.explain(Query.parse(text))
    except DboptError:
        return None


def _limits(database: Database) -> Limits:
    row = database.query(
        """select extract(epoch from _wedding_dbopt.setting_value('measure_time_limit')::interval)::float8 as seconds,
                  _wedding_dbopt.setting_value('measure_row_limit')::bigint as rows"""
    )[0]
    return Limits(seconds=float(row["seconds"]), rows=int(row["rows"]))


def _indexes(
    database: Database,
    session: PlanningSession,
    query: Query,
    plain: dict[str, Any] | None,
    catalog: Catalog,
    classification: Classification,
) -> tuple[Advice, str | None]:
    statement = WorkloadStatement(
        "query", query, 1.0, 0.0, classification.criticality, classification.context
    )
    source = WorkloadSource(session, [Member(statement, None)], {} if plain is None else {"query": plain})
    sampler = Sampler(database, session.reader)
    clock = attentive(database, time.monotonic)
    try:
        return (
            advise(
                [statement],
                catalog,
                source,
                storage_budget=2**62,
                deadline=clock() + INDEX_SEARCH_SECONDS,
                clock=clock,
                prove=sampler.prove,
                measure=sampler.measure,
                vary=source.vary,
                represent=lambda key: source.with_constants(key, catalog),
                dating=Dating(datetime.now(timezone.utc), Timelines(database)),
                **judged_by(database),
            ),
            None,
        )
    except MissingExtension as error:
        return Advice((), (), 0), f"{error}. {error.hint}"


def _recommendations(database: Database, catalog: Catalog, advice: Advice) -> Iterator[dict[str, Any]]:
    if advice.recommendations:
        # What is loaded here is loaded where it is needed: a fresh session waits for each module.
        from wedding_dbopt.tuning.names import named

        for item in named(database, advice.recommendations):
            row = as_row(item)
            relation = catalog.relation(Table(*item.index.place, ""))
            left = relation is not None and any(held.name == item.name for held in relation.indexes)
            if relation is not None and (relation.kind == "p" or left):
                from wedding_dbopt.tuning.recommend import shown

                row = shown(database, item)
            yield {**row, "benefits": json.loads(row["benefits"])}


def _rows(catalog: Catalog) -> dict[str, float]:
    return {f"{relation.schema}.{relation.name}": relation.rows for relation in catalog.relations()}
