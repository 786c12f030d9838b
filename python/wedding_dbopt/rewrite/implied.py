"""Conditions that a test implies: added before it, an index serves them, and the test itself stays to decide.

Nothing must be equal for this, the added condition must only follow from the test. Both are NULL for the same rows
(those whose column is NULL), so the whole has the value of the test under NOT too.
"""

from __future__ import annotations

import datetime

from sqlglot import exp

from wedding_dbopt.rewrite.constants import Range, bounds_on, joined
from wedding_dbopt.rewrite.positions import conjuncts

DAY = datetime.timedelta(days=1)
MIDNIGHT_UTC = " 00:00:00+00"


def widened(test: exp.Expr, implied: list[exp.Expr]) -> exp.Expr:
    """Return the implied conditions and the test, joined by AND."""
    kept = exp.Paren(this=test.copy()) if isinstance(test, exp.Or) else test.copy()
    return joined([*implied, kept])


def is_widened(test: exp.Expr, implied: list[exp.Expr]) -> bool:
    """Tell whether the implied conditions stand beside the test already."""
    present = [part.unnest() for part in conjuncts(test)]
    return all(condition.unnest() in present for condition in implied)


def around_utc(column: exp.Expr, days: Range) -> list[exp.Expr]:
    """Return the bounds in UTC, a day wider, of an instant whose local day lies in `days`.

    No zone is further than a day from UTC, so that no clock change can matter.
    """
    first = None if days.first is None else days.first - DAY
    after = None if days.after is None else days.after + DAY
    return bounds_on(column, Range(column, first, after), MIDNIGHT_UTC)
