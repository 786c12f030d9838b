"""Extended statistics on columns that are grouped by together.

Why: the planner takes every value of one column to meet every value of the other. Where a postcode decides the city, he
expects ten or a hundred times as many groups, and sorts or spills where a small hash table would do.
Sound when: a sample shows less than a tenth of the expected groups. CREATE STATISTICS changes no result and costs a part of
each ANALYZE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.column_figures import Grouping
from wedding_dbopt.settings.extended_statistics import extended

LEAST_FACTOR = 10.0
#: So few groups are small whatever the planner expects.
LEAST_EXPECTED = 1000.0
#: CREATE STATISTICS takes no more columns.
MOST_COLUMNS = 8


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
        yield extended(
            item,
            "grouped_columns",
            "ndistinct",
            {"expected_groups": round(item.expected), "groups": round(item.groups)},
            f"Statements group {item.table} by {', '.join(item.columns)}. The planner expects "
            f"{item.expected:,.0f} groups, as if these columns had nothing to do with each other; by a sample there are "
            f"about {item.groups:,.0f}. Extended statistics tell him.",
            apart="ndistinct",
        )
