"""Expressions that cannot fail, so that they may be computed for rows that the statement never reached."""

from __future__ import annotations

from sqlglot import exp

TOTAL = (
    exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Boolean, exp.Null, exp.And, exp.Or, exp.Not, exp.Paren,
    exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Is, exp.Like, exp.Coalesce, exp.Case,
    exp.If, exp.Lower, exp.Upper, exp.Length, exp.Interval, exp.Var, exp.CurrentDate, exp.CurrentTimestamp,
    exp.Parameter, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Nullif, exp.Greatest, exp.Least, exp.Tuple, exp.DataType,
    exp.DataTypeParam, exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Distinct, exp.Alias, exp.Exists, exp.Select,
    exp.From, exp.Where, exp.Table, exp.TableAlias, exp.Join, exp.Subquery, exp.ArrayContainsAll, exp.Any, exp.Array,
)  # fmt: skip
#: Arithmetic fails only by overflow, far beyond what a column of the platform holds; division fails at zero.
ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Neg)


def is_total(node: exp.Expr) -> bool:
    """Tell whether computing the expression cannot raise an error: no division, no cast of a column, no function."""
    for part in node.walk():
        if isinstance(part, exp.Cast):
            if not isinstance(part.this, (exp.Literal, exp.Parameter)):
                return False
        elif not isinstance(part, TOTAL) and not isinstance(part, ARITHMETIC):
            return False
    return True
