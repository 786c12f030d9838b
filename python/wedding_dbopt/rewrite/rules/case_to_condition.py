"""Turn `CASE WHEN c THEN true ELSE false END` into `c`.

Why: An index serves c; it cannot serve the CASE.
Sound when: c calls nothing with side effects, and NULL counts as false here, as it does in the CASE.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import comparison
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.positions import decides_rows, is_pure

NODE: tuple[type[exp.Expr], ...] = (exp.Case, exp.EQ)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    found = _condition(node) if decides_rows(node) else None
    return () if found is not None and is_pure(found) and not found.find(exp.Query) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the condition."""
    found = _condition(node)
    assert found is not None
    return exp.Paren(this=found.copy())


def _condition(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.Case):
        return _of_case(node, exp.true(), exp.false())
    compared = comparison(node)
    if compared is None or not isinstance(compared.operand, exp.Case):
        return None
    wanted = compared.constant
    case = compared.operand
    other = case.args.get("default")
    if isinstance(wanted, exp.Cast) or not isinstance(other, type(wanted)) or other == wanted:
        return None
    if not _is_canonical(wanted) or not _is_canonical(other) or wanted.is_string != other.is_string:
        return None
    return _of_case(case, wanted, other)


def _of_case(case: exp.Expr, hit: exp.Expr, miss: exp.Expr) -> exp.Expr | None:
    """Return c where the CASE gives `hit` if c is true and `miss` otherwise."""
    branches = case.args["ifs"]
    if case.args.get("this") is not None or len(branches) != 1 or case.args.get("default") != miss:
        return None
    condition: exp.Expr = branches[0].this
    return condition if branches[0].args["true"] == hit else None


def _is_canonical(node: exp.Expr) -> bool:
    """Tell whether two such constants are equal only if they are written alike."""
    if isinstance(node, exp.Literal) and not node.is_string:
        return str(node.this) == "0" or (str(node.this).isdigit() and not str(node.this).startswith("0"))
    return isinstance(node, (exp.Literal, exp.Boolean))
