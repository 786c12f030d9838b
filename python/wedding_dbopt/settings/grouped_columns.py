"""Extended statistics on columns that are grouped by together.

Why: the planner takes every value of one column to meet every value of the other. Where a postcode decides the city, he
expects ten or a hundred times as many groups, and sorts or spills where a small hash table would do.
Sound when: a sample shows less than a tenth of the expected groups. CREATE STATISTICS changes no result and costs a part of
each ANALYZE.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from wedding_dbopt.settings.advice import Advice, Target, quoted
from wedding_dbopt.settings.column_figures import Grouping

KIND = "statistics"
LEAST_FACTOR = 10.0
#: So few groups are small whatever the planner expects.
LEAST_EXPECTED = 1000.0
#: CREATE STATISTICS takes no more columns.
MOST_COLUMNS = 8
_NAME_LENGTH = 40


def precondition(found: Iterable[Grouping]) -> list[Grouping]:
    """The groupings of which the planner expects more than ten times too many groups."""
    return [
        item
        for item in found
        if item.expected > LEAST_FACTOR * item.groups
        and item.expected >= LEAST_EXPECTED
        and len(item.columns) <= MOST_COLUMNS
    ]


def advise(found: Iterable[Grouping]) -> Iterator[Advice]:
    for item in precondition(found):
        name = _name(item)
        table = f"{quoted(item.schema)}.{quoted(item.table)}"
        whole = f"{quoted(item.schema)}.{quoted(name)}"
        columns = ", ".join(map(quoted, item.columns))
        yield Advice(
            kind=KIND,
            rule="grouped_columns",
            target=Target("statistics", name, item.schema, item.table),
            sql=(f"CREATE STATISTICS {whole} (ndistinct) ON {columns} FROM {table}",),
            rollback_sql=(f"DROP STATISTICS IF EXISTS {whole}",),
            locks=f"SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait",
            level="moderate",
            basis="a sample of the table; what better estimates bring is not known before the plans",
            affected=item.affected,
            evidence={"expected_groups": round(item.expected), "groups": round(item.groups)},
            reason=f"Statements group {item.table} by {', '.join(item.columns)}. The planner expects "
            f"{item.expected:,.0f} groups, as if these columns had nothing to do with each other; by a sample there are "
            f"about {item.groups:,.0f}. Extended statistics tell him.",
        )


def _name(item: Grouping) -> str:
    key = "\0".join(("ndistinct", item.schema, item.table, *item.columns))
    readable = re.sub(r"[^a-z0-9]+", "_", "_".join((item.table, *item.columns)).lower()).strip("_")
    return f"wd_{readable[:_NAME_LENGTH]}_{hashlib.sha256(key.encode()).hexdigest()[:8]}"
