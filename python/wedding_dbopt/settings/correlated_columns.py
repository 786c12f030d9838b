"""Extended statistics on columns that depend on each other.

Why: the planner multiplies the shares of conditions as if columns had nothing to do with each other. Where a city decides
the region, it expects a tenth or a hundredth of the rows, and picks nested loops that run for the rows it did not expect.
Sound when: in a sample the values stand together more than ten times as often as the product says, and such
combinations are a real part of the rows. CREATE STATISTICS changes no result and costs a part of each ANALYZE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.column_pairs import Correlation
from wedding_dbopt.settings.extended_statistics import extended

LEAST_FACTOR = 10.0
LEAST_SHARE = 0.1


def precondition(found: Iterable[Correlation]) -> list[Correlation]:
    """The pairs whose product is off by more than ten times."""
    return [item for item in found if item.factor > LEAST_FACTOR and item.often >= LEAST_SHARE]


def advise(found: Iterable[Correlation]) -> Iterator[Advice]:
    for item in precondition(found):
        yield extended(
            item,
            "correlated_columns",
            "dependencies, mcv",
            {
                "factor": round(item.factor, 1),
                "share_of_rows": round(item.often, 3),
                "sample_rows": item.sample_rows,
            },
            f"Statements compare {' and '.join(item.columns)} of {item.table} together. In a sample of "
            f"{item.sample_rows:,} rows their values stand together {item.factor:.0f} times as often as the planner expects, "
            f"who multiplies their shares; so he expects too few rows. Extended statistics tell him.",
        )
