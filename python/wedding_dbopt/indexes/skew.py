"""Statements whose parameters meet skewed columns: what the generic plan, made for the average value, does not tell.

A status that most rows share makes the average value common, so the generic plan reads the whole table; the few rows
that the application asks for all day have an index's worth. Such a statement is also priced with representative
constants. An owner of most rows makes the average owner rare, so the generic plan takes an index that does nothing for him;
and he is asked for most, so what is promised counts him too. Each of a statement's parts, the generic one and each constant,
stands for the same share of its time, because nobody recorded which values were asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..catalog import Relation
from ..query import Query
from .candidates import Candidates
from .predicates import TableUse
from .recommendation import Benefit
from .statistics import distinct_values, equal_fraction, value_fraction
from .terms import column_term

#: So many times rarer than the average must the rare values be, or more common the most common one.
_SKEW = 10.0
#: With fewer of the rows the most common value is found by the index that the average one is found by.
_COMMON = 0.1

#: Gives a statement's forms with constants by the keys under which the plan source knows them.
Represent = Callable[[str], Mapping[str, Query]]


def rare_values(uses: Iterable[TableUse], offered: Candidates) -> bool:
    """Whether a parameter meets a column with rare values that a new index could find and no existing one does."""
    return any(_has_rare(*met) for met in _met(uses, offered))


def common_value(uses: Iterable[TableUse], offered: Candidates) -> bool:
    """Whether a parameter meets a column with a value so common that a new index could be useless for it."""
    return any(_has_common(*met) for met in _met(uses, offered))


def _met(uses: Iterable[TableUse], offered: Candidates) -> Iterator[tuple[Relation, str]]:
    """The columns that parameters meet, where a new index could begin with them and no existing one does."""
    led = {(index.place, index.columns[0].column) for index in offered.plain}
    for use in uses:
        relation = use.relation
        fixed = {column for constant in use.constants for column in constant.columns}
        for group in use.groups:
            for term in group.equal:
                name = term.column
                place = (relation.place, name)
                if name is not None and name not in fixed and place in led and not _served(relation, name):
                    yield relation, name


def _has_common(relation: Relation, column: str) -> bool:
    facts = relation.columns.get(column)
    most = max(facts.most_common_freqs or (0.0,)) if facts is not None else 0.0
    return most >= max(_COMMON, _SKEW * equal_fraction(relation, column_term(column)))


def _has_rare(relation: Relation, column: str) -> bool:
    facts = relation.columns.get(column)
    if facts is None or not facts.most_common_freqs:
        return False
    rarest = min(facts.most_common_freqs)
    if distinct_values(relation, column) > len(facts.most_common_freqs):
        rarest = min(rarest, value_fraction(relation, column, "\0") or rarest)
    return rarest * _SKEW <= equal_fraction(relation, column_term(column))


def _served(relation: Relation, column: str) -> bool:
    return any(
        index.valid and index.predicate is None and index.columns[:1] == (column,)
        for index in relation.indexes
    )


def merged(parts: Sequence[Benefit], costs: Mapping[str, tuple[float, float]], key: str) -> Benefit:
    """What an index brings to a statement as a whole; `costs` are those of all its parts, before and after."""
    who = f"statement {key}" if key.isdigit() else "the statement"
    befores, afters = zip(*costs.values())
    same = " and ".join(_label(part, key) for part in costs if costs[part][1] >= costs[part][0])
    falls = [
        f"{_label(part, key)} from {costs[part][0]:,.1f} to {costs[part][1]:,.1f}"
        for part in costs
        if costs[part][1] < costs[part][0]
    ]
    return replace(
        parts[0],
        key=key,
        cost_before=sum(befores) / len(befores),
        cost_after=sum(afters) / len(afters),
        saved_ms=sum(part.saved_ms for part in parts),
        total_ms=parts[0].total_ms * len(costs),
        note=f"What {who} gains depends on the values asked for: the cost falls {'; '.join(falls)}."
        + (f" {same.capitalize()} it stays as it is." if same else ""),
    )


def _label(part: str, key: str) -> str:
    return "with the generic plan" if part == key else f"with {part.removeprefix(key).strip()} values"
