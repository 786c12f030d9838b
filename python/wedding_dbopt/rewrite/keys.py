"""What makes the rows of a SELECT differ: keys in its output, and joins that cannot multiply its rows."""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.catalog import Relation
from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.facts import (
    BIGINT,
    BOOLEAN,
    DATE,
    INTEGER,
    JSONB,
    NUMERIC,
    SMALLINT,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
    Facts,
    alias_of,
)
from wedding_dbopt.rewrite.scope import conditions_of, inner_sources, join_conditions

COMPARABLE = (
    BOOLEAN, SMALLINT, INTEGER, BIGINT, NUMERIC, TEXT, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, UUID, JSONB,
)  # fmt: skip


def key_constraints(facts: Facts, relation: Relation, columns: set[str]) -> tuple[str, ...] | None:
    """Name the unique index and NOT NULLs that make rows of a relation differ in `columns`."""
    index = facts.unique_index(relation, columns)
    if index is None:
        return None
    table = f"{relation.schema}.{relation.name}"
    return (f"{table} UNIQUE {index.name}", *(f"{table}.{column} NOT NULL" for column in index.columns))


def output_columns(select: exp.Expr, source: exp.Expr, facts: Facts) -> set[str]:
    """Return the columns of a source that a SELECT puts out as they are."""
    relation = facts.relation(source)
    found: set[str] = set()
    for item in select.expressions:
        column = item.unalias()
        if relation is not None and column.is_star:
            qualifier = column.args.get("table")
            if qualifier is None or folded(qualifier) == folded(alias_of(source)):  # type: ignore[arg-type]
                found |= set(relation.columns)
            continue
        fact = facts.column(column)
        if fact is not None and fact.source is source:
            found.add(fact.column.name)
    return found


def equalities(select: exp.Expr, facts: Facts) -> list[tuple[exp.Expr, str, exp.Expr, str]]:
    """Return (source, column, source, column) for each equality of two table columns that every row passes."""
    found: list[tuple[exp.Expr, str, exp.Expr, str]] = []
    for test in (*conditions_of(select), *join_conditions(select)):
        if type(test) is not exp.EQ:
            continue
        left, right = facts.column(test.this), facts.column(test.expression)
        if left is not None and right is not None and left.source is not right.source:
            same = left.column.type_oid == right.column.type_oid and left.column.deterministic
            if same and right.column.deterministic:
                found.append((left.source, left.column.name, right.source, right.column.name))
    return found


def keyed_output(select: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Name the constraints that make the rows of an inner join differ; None if they may repeat.

    A source counts when the output has a key of it, or when it is joined on a key of its own to one that counts.
    """
    sources = inner_sources(select)
    if sources is None:
        return None
    proof: list[str] = []
    counted: list[exp.Expr] = []
    fixed = {id(source): output_columns(select, source, facts) for source in sources}
    pairs = equalities(select, facts)
    while len(counted) < len(sources):
        progress = False
        for source in sources:
            relation = facts.relation(source)
            if relation is None or any(source is done for done in counted):
                continue
            constraints = key_constraints(facts, relation, fixed[id(source)])
            if constraints is None:
                continue
            counted.append(source)
            proof += constraints
            progress = True
            for left, left_column, right, right_column in pairs:
                for here, there, name in ((left, right, right_column), (right, left, left_column)):
                    if here is source and id(there) in fixed:
                        fixed[id(there)].add(name)
        if not progress:
            return None
    return tuple(dict.fromkeys(proof))


def comparable_output(select: exp.Expr, facts: Facts) -> bool:
    """Tell whether every output column is a table column that UNION and DISTINCT can compare."""
    for item in select.expressions:
        fact = facts.column(item.unalias())
        if fact is None or fact.column.type_oid not in COMPARABLE:
            return False
    return True


def numbered_order(select: exp.Expr) -> exp.Expr | None:
    """Return ORDER BY with the numbers of the output columns; None where it names something else.

    Without ORDER BY it is an empty one.
    """
    order = select.args.get("order")
    if order is None:
        return exp.Order(expressions=[])
    items: list[exp.Expr] = []
    for ordered in order.expressions:
        number = _position(select, ordered.this)
        if number is None:
            return None
        copy = ordered.copy()
        copy.set("this", exp.Literal.number(number))
        items.append(copy)
    return exp.Order(expressions=items)


def _position(select: exp.Expr, term: exp.Expr) -> int | None:
    """Return the number of the output column that a term of ORDER BY names: an output name comes first."""
    if isinstance(term, exp.Literal) and not term.is_string:
        return int(term.this) if str(term.this).isdigit() else None
    if not isinstance(term, exp.Column):
        return None
    if not term.args.get("table"):
        name = folded(term.this)
        named = [number for number, item in enumerate(select.expressions, 1) if _name(item) == name]
        if len(named) == 1:
            return named[0]
        if named:
            return None
    same = [number for number, item in enumerate(select.expressions, 1) if item.unalias() == term]
    return same[0] if len(same) == 1 else None


def _name(item: exp.Expr) -> str | None:
    if isinstance(item, exp.Alias):
        return folded(item.args["alias"])
    return (
        folded(item.this) if isinstance(item, exp.Column) and isinstance(item.this, exp.Identifier) else None
    )


def group_terms(select: exp.Expr) -> list[exp.Expr]:
    """Return the terms of a plain GROUP BY, numbers replaced by the output columns they mean; [] for any other."""
    group = select.args.get("group")
    if group is None or len([value for value in group.args.values() if value]) != 1:
        return []
    found: list[exp.Expr] = []
    for term in group.expressions:
        if isinstance(term, exp.Literal):
            number = int(term.this) if str(term.this).isdigit() else 0
            if not 1 <= number <= len(select.expressions):
                return []
            found.append(select.expressions[number - 1].unalias())
        elif isinstance(term, (exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple)):
            return []
        else:
            found.append(term)
    return found
