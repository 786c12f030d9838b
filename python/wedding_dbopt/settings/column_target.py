"""More frequent values kept of a column.

Why: a value that is not on the list of frequent ones counts as an average one of the rest. Where the list is full and its
last value is still many times as frequent as that average, the values right behind it are so too, and the planner expects
a tenth of their rows or less.
Sound when: a statement of the workload compares the column for equality and the rest is a real part of the rows. ANALYZE
reads more rows of the table then; no result changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wedding_dbopt.settings.advice import Advice, Target, quoted
from wedding_dbopt.settings.column_figures import Uneven

KIND = "statistics"
LEAST_FACTOR = 10.0
LEAST_REST = 0.1
#: ANALYZE reads 300 rows for each, and every plan looks through the list.
MOST_VALUES = 1000


def precondition(found: Iterable[Uneven]) -> list[Uneven]:
    """The columns whose next values are off by more than ten times."""
    return [
        item
        for item in found
        if item.factor > LEAST_FACTOR and item.rest >= LEAST_REST and 0 < item.target < MOST_VALUES
    ]


def advise(found: Iterable[Uneven]) -> Iterator[Advice]:
    for item in precondition(found):
        table = f"{quoted(item.schema)}.{quoted(item.table)}"
        wanted = min(10 * item.target, MOST_VALUES)
        column = f"ALTER TABLE {table} ALTER COLUMN {quoted(item.column)} SET STATISTICS"
        yield Advice(
            kind=KIND,
            rule="column_target",
            target=Target("column", item.column, item.schema, item.table),
            sql=(f"{column} {wanted}",),
            rollback_sql=(f"{column} -1",),
            locks=f"SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait",
            level="moderate",
            basis="the statistics of the column; what better estimates bring is not known before the plans",
            affected=item.affected,
            evidence={
                "factor": round(item.factor, 1),
                "share_of_rows": round(item.rest, 3),
                "target": item.target,
            },
            details={"column": item.column, "target": wanted},
            reason=f"Statements look for single values of {item.table}.{item.column}. The list of its {item.target} most "
            f"frequent values is full, and the last of them is {item.factor:.0f} times as frequent as the planner takes any "
            f"other value to be, which {item.rest:.0%} of the rows have. With {wanted} values he knows how frequent more of "
            f"them are.",
        )
