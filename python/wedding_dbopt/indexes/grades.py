"""Ranges of numbers on columns of few values: marks, priorities, numbers of tries, discounts.

Of such a column the statistics know every value, so they tell exactly how many rows a range keeps, and it may be the predicate
of a partial index as one of a few states may.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from ..catalog import Relation
from .statistics import known_values, row_count
from .terms import bare, quoted

_HOLDS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_INTEGERS = {"smallint": 2, "integer": 4, "bigint": 8}
_PLAIN = re.compile(r"\d{1,15}(\.\d{1,12})?")


@dataclass(frozen=True)
class Limit:
    """One end of a range, as the statement says it `times` times."""

    sign: str
    number: Decimal
    times: int = 1


def limits(ends: Mapping[str, exp.Expr]) -> tuple[Limit, ...]:
    """The ends of a range by operator, said at one place; none where one of them is no number of the text."""
    found = {sign: _number(end) for sign, end in ends.items()}
    one = [Limit(sign, number, 0) for sign, number in found.items() if number is not None]
    return (Limit(one[0].sign, one[0].number), *one[1:]) if len(one) == len(found) else ()


def _number(node: exp.Expr) -> Decimal | None:
    """A number in the text, with the sums and differences that the planner works out; None for one of many digits."""
    node = bare(node)
    if isinstance(node, exp.Literal) and not node.is_string and _PLAIN.fullmatch(str(node.this)):
        return Decimal(str(node.this))
    if isinstance(node, exp.Neg):
        inner = _number(node.this)
        return -inner if inner is not None else None
    if isinstance(node, (exp.Add, exp.Sub)):
        left, right = _number(node.left), _number(node.right)
        if left is not None and right is not None:
            return left + right if isinstance(node, exp.Add) else left - right
    return None


def kept(relation: Relation, column: str, ends: Iterable[Limit]) -> tuple[str, float] | None:
    """The condition of a range and the share of rows that it keeps; None where statistics do not know (nearly) every value.

    An integer is compared with integers of its own range only: of another number the planner proves nothing.
    """
    shares = known_values(relation, column)
    ordered = sorted({(list(_HOLDS).index(end.sign), end.number) for end in ends})
    tests = [(list(_HOLDS)[place], number) for place, number in ordered]
    bytes_ = _INTEGERS.get(relation.columns[column].type)
    if shares is None or (bytes_ is not None and not all(_is_integer(number, bytes_) for _, number in tests)):
        return None
    # Quoted they are constants of the column's type at once: HypoPG does not work a cast out.
    text = " AND ".join(f"{quoted(column)} {sign} '{_written(number)}'" for sign, number in tests)
    share = sum(
        share for value, share in shares.items() if all(_HOLDS[sign](value, at) for sign, at in tests)
    )
    unknown = max(1.0 - (relation.columns[column].null_frac or 0.0) - sum(shares.values()), 0.0)
    return text, max(share + unknown, 1.0 / row_count(relation))


def _is_integer(number: Decimal, bytes_: int) -> bool:
    exponent = number.as_tuple().exponent
    return exponent == 0 and -(2 ** (8 * bytes_ - 1)) <= number < 2 ** (8 * bytes_ - 1)


def _written(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
