"""Leave room in the pages of a table whose updates leave their page.

Why: an update whose new row fits the same page (HOT) writes no index entry; in a full page none fits.
Sound when: most updates set no indexed column, for those never stay; and the updates of the window were many. It works for
pages written from now on: the old ones stay full until their rows have moved, and a rewrite would lock the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from wedding_dbopt.settings.advice import Advice, size
from wedding_dbopt.settings.figures import MIN_HOURS, Server
from wedding_dbopt.settings.tables import SETS_OPTIONS, Table, set_options

KIND = "table_setting"
MIN_UPDATES = 10_000
MOST_HOT = 0.5
MIN_BESIDE = 0.5
LEAST, MOST = 70, 95


def precondition(server: Server, tables: Sequence[Table]) -> list[Table]:
    """Update-heavy tables with full pages whose updates could stay."""
    return [
        table
        for table in tables
        if table.hours >= MIN_HOURS
        and table.updated >= MIN_UPDATES
        and table.hot_updated < MOST_HOT * table.updated
        and "fillfactor" not in table.options
        and table.indexes > 0
        and table.pages > 0
        and (table.updates_beside_indexes or 0.0) >= MIN_BESIDE
    ]


def advise(server: Server, tables: Sequence[Table]) -> Iterator[Advice]:
    for table in precondition(server, tables):
        rows = max(table.live / table.pages, 1.0)
        value = max(LEAST, min(MOST, 100 - math.ceil(200 / rows)))
        sql, back = set_options(table, {"fillfactor": str(value)})
        hot = table.hot_updated / table.updated
        yield Advice(
            kind=KIND,
            rule="fillfactor",
            target=table.target,
            sql=sql,
            rollback_sql=back,
            locks=SETS_OPTIONS.format(table.name),
            level="moderate",
            parameter="fillfactor",
            value=str(value),
            details={"parameter": "fillfactor", "options": {"fillfactor": str(value)}},
            basis="not estimated: it shows as pages are filled anew",
            affected=table.affected,
            evidence={
                "updated": table.updated,
                "hot_updated": table.hot_updated,
                "indexes": table.indexes,
                "rows_per_page": round(rows, 1),
                "updates_beside_indexes": table.updates_beside_indexes,
            },
            reason=f"{table.hot_updated} of {table.updated} updates of {table.name} ({hot:.0%}) stayed in their page; each "
            f"other one wrote to {table.indexes} indexes. {(table.updates_beside_indexes or 0):.0%} of the updates set no "
            f"indexed column, so they can stay where there is room: {value} % leaves room for two of the {rows:.0f} rows of "
            f"a page. It holds for pages filled from now on; the table grows by up to {100 - value} % of "
            f"{size(table.bytes)}. Rewriting the old pages at once (VACUUM FULL) would lock the table, and is left.",
        )
