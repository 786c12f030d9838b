"""Analyse tables of which the planner knows nothing, or only old things.

Why: without statistics the planner guesses how many rows a condition leaves, and picks the wrong join.
Sound when: far more rows changed than autovacuum waits for, so autovacuum did not do it. ANALYZE reads a sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import Finding, Server
from wedding_dbopt.settings.tables import Table

KIND = "statistics"
FINDINGS = ("never_analyzed", "stale_statistics")


def precondition(server: Server, tables: Mapping[int, Table]) -> list[tuple[Finding, Table]]:
    """The findings of the health check about tables that are still there, each table once."""
    found = {
        finding.relid: finding
        for finding in reversed(server.findings)
        if finding.kind in FINDINGS and finding.relid in tables
    }
    return [(finding, tables[relid]) for relid, finding in found.items() if relid is not None]


def advise(server: Server, tables: Mapping[int, Table]) -> Iterator[Advice]:
    for finding, table in precondition(server, tables):
        yield Advice(
            kind=KIND,
            rule="stale_statistics",
            target=table.target,
            sql=(f"analyze {table.name}",),
            rollback_sql=(),
            locks=f"SHARE UPDATE EXCLUSIVE on {table.name}: reads and writes go on; it reads a sample of the table",
            level="conservative",
            basis="not estimated: the plans after it are not known before it",
            affected=table.affected,
            evidence=dict(finding.evidence),
            reason=f"{finding.reason} Old statistics cannot be put back, and nobody wants them.",
        )
