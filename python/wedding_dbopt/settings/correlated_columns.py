"""Extended statistics on columns that depend on each other.

Why: the planner multiplies the shares of conditions as if columns had nothing to do with each other. Where a city decides
the region, it expects a tenth or a hundredth of the rows, and picks nested loops that run for the rows it did not expect.
Sound when: in a sample the values stand together more than ten times as often as the product says, and such
combinations are a real part of the rows. CREATE STATISTICS changes no result and costs a part of each ANALYZE.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from wedding_dbopt.settings.advice import Advice, Target, quoted
from wedding_dbopt.settings.column_pairs import Correlation

KIND = "statistics"
LEAST_FACTOR = 10.0
LEAST_SHARE = 0.1
_NAME_LENGTH = 40


def precondition(found: Iterable[Correlation]) -> list[Correlation]:
    """The pairs whose product is off by more than ten times."""
    return [item for item in found if item.factor > LEAST_FACTOR and item.often >= LEAST_SHARE]


def advise(found: Iterable[Correlation]) -> Iterator[Advice]:
    for item in precondition(found):
        name = _name(item)
        table = f"{quoted(item.schema)}.{quoted(item.table)}"
        whole = f"{quoted(item.schema)}.{quoted(name)}"
        columns = ", ".join(map(quoted, item.columns))
        yield Advice(
            kind=KIND,
            rule="correlated_columns",
            target=Target("statistics", name, item.schema, item.table),
            sql=(f"CREATE STATISTICS {whole} (dependencies, mcv) ON {columns} FROM {table}",),
            rollback_sql=(f"DROP STATISTICS IF EXISTS {whole}",),
            locks=f"SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait",
            level="moderate",
            basis="a sample of the table; what better estimates bring is not known before the plans",
            affected=item.affected,
            evidence={
                "factor": round(item.factor, 1),
                "share_of_rows": round(item.often, 3),
                "sample_rows": item.sample_rows,
            },
            reason=f"Statements compare {' and '.join(item.columns)} of {item.table} together. In a sample of "
            f"{item.sample_rows:,} rows their values stand together {item.factor:.0f} times as often as the planner expects, "
            f"who multiplies their shares; so he expects too few rows. Extended statistics tell him.",
        )


def _name(item: Correlation) -> str:
    digest = hashlib.sha256("\0".join((item.schema, item.table, *item.columns)).encode()).hexdigest()[:8]
    readable = re.sub(r"[^a-z0-9]+", "_", "_".join((item.table, *item.columns)).lower()).strip("_")
    return f"wd_{readable[:_NAME_LENGTH]}_{digest}"
