"""Probe a child table once for each row of its parent, where the child's groups are the parent's rows."""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.catalog import Relation
from wedding_dbopt.rewrite.facts import ColumnFact, Facts
from wedding_dbopt.rewrite.joining import is_plain_name

#: Probing pays where the child has many rows for each of the parent's.
ROWS_FOR_EACH = 5


def parent_of(fact: ColumnFact | None, facts: Facts) -> tuple[Relation, str, tuple[str, ...]] | None:
    """Return the parent of a column's values, its key, and the constraints that say so."""
    found = facts.parent(fact) if fact is not None else None
    if fact is None or found is None:
        return None
    parent, key, constraint = found
    return parent, key, (constraint, fact.not_null_constraint)


def table_node(relation: Relation, alias: str) -> exp.Table:
    """Return a node of FROM that names a relation with its schema."""
    return exp.Table(
        this=_identifier(relation.name),
        db=_identifier(relation.schema),
        alias=exp.TableAlias(this=exp.to_identifier(alias)),
    )


def _identifier(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=not is_plain_name(name))


def key_column(alias: str, key: str) -> exp.Column:
    """Return the parent's key."""
    return exp.column(_identifier(key), table=exp.to_identifier(alias))


def named_as(value: exp.Expr, item: exp.Expr, name: str) -> exp.Expr:
    """Return an output column with a new value under the name that an old one had."""
    alias = item.args["alias"].copy() if isinstance(item, exp.Alias) else _identifier(name)
    return exp.Alias(this=value, alias=alias)
