"""The number of different values of a column, told to the planner.

Why: where ANALYZE takes the values of a column for ten times fewer than there are, every equality on it, every join and every
grouping is expected to give ten times too many rows, and hash joins or sorts stand where an index would do.
A grouping is planned by hash then, as its groups are expected to fit into memory, and goes through temporary files.
Sound when: whole stretches of the table show more than ten times as many, or more than twice where equal values lie together and
a statement that groups by them in a hash table spills, and no index is about to give it another plan; and nobody set the number
by hand. A number that grows with the table is given as a share of its rows, so it stays right. No result changes; the undo is
RESET (n_distinct).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wedding_dbopt.settings.advice import Advice, Target, quoted
from wedding_dbopt.settings.counted_values import Counted

KIND = "statistics"
LEAST_FACTOR = 10.0
LEAST_FACTOR_OF_SPILLS = 2.0
#: Values that lie together come with new rows; and as ANALYZE does, a tenth of the rows and more is a share.
_GROWS = 0.9
_SHARE = 0.1


def precondition(found: Iterable[Counted]) -> list[Counted]:
    """The columns with so many more values than the planner believes that it plans another way."""
    return [item for item in found if item.counted > _least_factor(item) * max(item.known, 1.0)]


def _least_factor(item: Counted) -> float:
    return LEAST_FACTOR_OF_SPILLS if item.spills and item.growth > _GROWS else LEAST_FACTOR


def setting(item: Counted) -> str:
    """The number as n_distinct takes it: a count, or below zero a share of the rows."""
    share = min(item.counted / max(item.rows, 1.0), 1.0)
    if item.growth > _GROWS or share > _SHARE:
        return f"{-share:.3g}"
    return f"{float(f'{item.counted:.3g}'):.0f}"


def advise(found: Iterable[Counted]) -> Iterator[Advice]:
    for item in precondition(found):
        table = f"{quoted(item.schema)}.{quoted(item.table)}"
        column = f"ALTER TABLE {table} ALTER COLUMN {quoted(item.column)}"
        value = setting(item)
        yield Advice(
            kind=KIND,
            rule="number_of_values",
            target=Target("column", item.column, item.schema, item.table),
            sql=(f"{column} SET (n_distinct = {value})", f"ANALYZE {table}"),
            rollback_sql=(f"{column} RESET (n_distinct)", f"ANALYZE {table}"),
            locks=f"SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait",
            level="moderate",
            basis="whole stretches of the table; what better estimates bring is not known before the plans",
            affected=item.affected,
            evidence={
                "known": round(item.known),
                "counted": round(item.counted),
                "growth": round(item.growth, 2),
            },
            details={"parameter": "n_distinct", "column": item.column, "n_distinct": value},
            reason=_reason(item),
        )


def _reason(item: Counted) -> str:
    factor = item.counted / max(item.known, 1.0)
    seen = (
        f"The planner takes {item.table}.{item.column} to have {item.known:,.0f} different values. Whole stretches of the table "
        f"show about {item.counted:,.0f}: equal values lie together, and the sample of ANALYZE sees few of them. "
    )
    if factor > LEAST_FACTOR:
        return (
            f"{seen}So each equality, join and grouping is expected to give {factor:.0f} times too many rows."
        )
    return (
        f"{seen}So a grouping by them is expected to need {factor:.1f} times less memory than it does: it is done in a hash "
        "table, which goes through temporary files."
    )
