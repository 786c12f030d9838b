"""Turn `a > x OR (a = x AND b > y)` into `(a, b) > (x, y)`.

Why: An index on (a, b) is read from the row on; the alternatives make it read and filter everything.
Sound when: all comparisons point the same way, the columns are those of one table, and each value is written alike
wherever it stands; the row comparison is NULL or false exactly where the alternatives are.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import (
    BIGINT,
    DATE,
    INTEGER,
    NUMERIC,
    SMALLINT,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    Facts,
)
from wedding_dbopt.rewrite.positions import decides_rows, is_pure
from wedding_dbopt.tree import flattened

NODE: tuple[type[exp.Expr], ...] = (exp.Or,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
TYPES = (SMALLINT, INTEGER, BIGINT, NUMERIC, TEXT, DATE, TIMESTAMP, TIMESTAMPTZ, UUID)
STRICT: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GTE: exp.GT,
    exp.LTE: exp.LT,
    exp.GT: exp.GT,
    exp.LT: exp.LT,
}


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    if isinstance(node.parent, exp.Or) or not decides_rows(node):
        return None
    found = _keyset(node)
    if found is None or not all(
        is_pure(value) and not value.find(exp.Query, exp.Column) for _, value in found[0]
    ):
        return None
    known = [facts.column(column) for column, _ in found[0]]
    if any(
        fact is None or fact.column.type_oid not in TYPES or not fact.column.deterministic for fact in known
    ):
        return None
    return () if len({id(fact.source) for fact in known if fact is not None}) == 1 else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the row comparison."""
    found = _keyset(node)
    assert found is not None
    pairs, operator = found
    left = exp.Tuple(expressions=[column.copy() for column, _ in pairs])
    right = exp.Tuple(expressions=[value.copy() for _, value in pairs])
    return operator(this=left, expression=right)


def _keyset(node: exp.Expr) -> tuple[list[tuple[exp.Expr, exp.Expr]], type[exp.Expr]] | None:
    """Return columns with their values in order of precedence, and the operator of the last comparison."""
    branches = sorted(
        (
            [part.unnest() for part in flattened(branch.unnest(), exp.And)]
            for branch in flattened(node, exp.Or)
        ),
        key=len,
    )
    pairs: list[tuple[exp.Expr, exp.Expr]] = []
    strict: type[exp.Expr] | None = None
    last: type[exp.Expr] | None = None
    for number, branch in enumerate(branches):
        if len(branch) != number + 1:
            return None
        ordering = [part for part in branch if type(part) in STRICT]
        equal = {(part.this, part.expression) for part in branch if type(part) is exp.EQ}
        if len(ordering) != 1 or equal != set(pairs) or (last is not None and last not in STRICT.values()):
            return None
        last = type(ordering[0])
        strict = strict or STRICT[last]
        if STRICT[last] is not strict or not isinstance(ordering[0].this, exp.Column):
            return None
        pairs.append((ordering[0].this, ordering[0].expression))
    return (pairs, last) if last is not None and len(pairs) > 1 else None
