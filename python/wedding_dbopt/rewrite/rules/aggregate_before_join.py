"""Aggregate the many rows by their join key before they meet the few, and add up the results.

Why: The join handles one row for each key instead of one for each row.
Sound when: two tables are joined inner on a unique NOT NULL key of the one that GROUP BY names, every aggregate is a
sum, count, min or max of the other's columns, exact and without DISTINCT or FILTER, and no condition mixes the two;
sums of sums are cast back to the type they had.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from wedding_dbopt.rewrite.correlated import AGGREGATES
from wedding_dbopt.rewrite.facts import (
    BIGINT,
    DATE,
    INTEGER,
    NUMERIC,
    SMALLINT,
    TIMESTAMP,
    TIMESTAMPTZ,
    Facts,
    same_kind,
)
from wedding_dbopt.rewrite.joining import column, derived
from wedding_dbopt.rewrite.keys import group_terms, key_constraints
from wedding_dbopt.rewrite.parents import named_as
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import conditions_of, fresh_names, inner_sources, join_conditions, reads_only
from wedding_dbopt.rewrite.templates import all_of
from wedding_dbopt.rewrite.totality import is_total

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "aggressive"
SUMMED = (SMALLINT, INTEGER, BIGINT, NUMERIC)
COMPARED = (SMALLINT, INTEGER, BIGINT, DATE, TIMESTAMP, TIMESTAMPTZ)


@dataclass(frozen=True)
class _Join:
    many: exp.Expr
    few: exp.Expr
    many_key: exp.Expr
    few_key: exp.Expr
    constraints: tuple[str, ...]


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the key where the rule applies, else None."""
    found = _found(node, facts)
    return None if found is None else found.constraints


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the join with the grouped subquery."""
    found = _found(node, facts)
    assert found is not None
    aggregates = list(dict.fromkeys(_aggregates(node)))
    name, key, *values = fresh_names(node, 2 + len(aggregates))
    items = [exp.Alias(this=found.many_key.copy(), alias=exp.to_identifier(key))]
    items += [
        exp.Alias(this=one.copy(), alias=exp.to_identifier(as_)) for one, as_ in zip(aggregates, values)
    ]
    inner = exp.Select(expressions=items)
    inner.set("from_", exp.From(this=found.many.copy()))
    tests = [*conditions_of(node), *(test for test in join_conditions(node) if not _is_key(test, found))]
    own = all_of([test for test in tests if reads_only(test, facts, [found.many])])
    inner.set("where", exp.Where(this=own) if own is not None else None)
    inner.set("group", exp.Group(expressions=[found.many_key.copy()]))
    copy = node.copy()
    for place in _aggregates(copy):
        value = _total(place, column(name, values[aggregates.index(place)]), facts, aggregates, node)
        if place.parent is copy and place.arg_key == "expressions":
            value = named_as(value, place, AGGREGATES[type(place)])
        place.replace(value)
    copy.set("from_", exp.From(this=derived(inner, name)))
    match = exp.EQ(this=found.few_key.copy(), expression=column(name, key))
    copy.set("joins", [exp.Join(this=found.few.copy(), on=match)])
    rest = all_of([test for test in tests if not reads_only(test, facts, [found.many])])
    copy.set("where", exp.Where(this=rest) if rest is not None else None)
    return copy


def _aggregates(node: exp.Expr) -> list[exp.Expr]:
    clauses = [*node.expressions, node.args.get("having"), node.args.get("order")]
    return [part for clause in clauses if clause is not None for part in clause.find_all(exp.AggFunc)]


def _total(
    place: exp.Expr, value: exp.Expr, facts: Facts, aggregates: list[exp.Expr], node: exp.Expr
) -> exp.Expr:
    """Return the aggregate over the aggregates of the groups."""
    if isinstance(place, (exp.Min, exp.Max)):
        return type(place)(this=value)
    total = exp.Sum(this=value)
    original = next(one for one in _aggregates(node) if one == place)
    fact = facts.column(original.this) if isinstance(original.this, exp.Column) else None
    if isinstance(place, exp.Count) or (fact is not None and fact.column.type_oid in (SMALLINT, INTEGER)):
        return exp.Cast(this=total, to=exp.DataType.build("bigint"))
    return total


def _found(node: exp.Expr, facts: Facts) -> _Join | None:
    if not has_only(node, "from_", "joins", "where", "group", "having", "order", "limit") or not is_pure(
        node
    ):
        return None
    sources, terms = inner_sources(node), group_terms(node)
    if sources is None or len(sources) != 2 or not terms:
        return None
    if any(part is not node for part in node.find_all(exp.Window, exp.Filter, exp.Query)):
        return None
    owners = [facts.column(term) for term in terms]
    few = owners[0].source if owners[0] is not None else None
    if few is None or any(owner is None or owner.source is not few for owner in owners):
        return None
    many = next((source for source in sources if source is not few), None)
    if many is None or facts.relation(many) is None or not _is_exact(node, facts, many, few):
        return None
    for test in (*join_conditions(node), *conditions_of(node)):
        if type(test) is not exp.EQ:
            continue
        for first, second in ((test.this, test.expression), (test.expression, test.this)):
            a, b = facts.column(first), facts.column(second)
            if a is None or b is None or a.source is not many or b.source is not few or not same_kind(a, b):
                continue
            proof = key_constraints(facts, b.relation, {b.column.name})
            join = None if proof is None else _Join(many, few, first, second, proof)
            if join is not None and _do_not_mix(node, facts, join):
                return join
    return None


def _is_key(test: exp.Expr, join: _Join) -> bool:
    return type(test) is exp.EQ and {test.this, test.expression} == {join.many_key, join.few_key}


def _do_not_mix(node: exp.Expr, facts: Facts, join: _Join) -> bool:
    if any(_is_key(test, join) for test in conditions_of(node)):  # only of ON is it taken out
        return False
    for test in (*join_conditions(node), *conditions_of(node)):
        if _is_key(test, join):
            continue
        if not is_total(test) or not (
            reads_only(test, facts, [join.many]) or reads_only(test, facts, [join.few])
        ):
            return False
    return True


def _is_exact(node: exp.Expr, facts: Facts, many: exp.Expr, few: exp.Expr) -> bool:
    aggregates = _aggregates(node)
    for aggregate in aggregates:
        inner = aggregate.this
        if type(aggregate) is exp.Count and isinstance(inner, exp.Star):
            continue
        fact = facts.column(inner)
        if fact is None or fact.source is not many or aggregate.expressions:
            return False
        kinds: dict[type[exp.Expr], tuple[int, ...] | None] = {
            exp.Count: None,
            exp.Sum: SUMMED,
            exp.Min: COMPARED,
            exp.Max: COMPARED,
        }
        allowed = kinds.get(type(aggregate), ())
        if allowed is not None and fact.column.type_oid not in allowed:
            return False
    inside = {id(part) for aggregate in aggregates for part in aggregate.walk()}
    clauses = [*node.expressions, node.args.get("having"), node.args.get("order")]
    for clause in [clause for clause in clauses if clause is not None]:
        for named in clause.find_all(exp.Column):
            if id(named) in inside:
                continue
            owner = facts.owner(named)
            if (owner is None and clause is not node.args.get("order")) or (
                owner is not None and owner[1] is not few
            ):
                return False
    return bool(aggregates)
