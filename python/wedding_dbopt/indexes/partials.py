"""Partial candidates: an index over the rows that fixed conditions of a statement keep, alone or all together.

What a predicate says is not asked again, so a column that occurs in it alone need not be in the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod

from ..catalog import Relation
from .conditions import Constant
from .definition import IndexDef, Key
from .existing import begins_at_date
from .predicates import TableUse
from .statistics import value_fraction
from .terms import column_term

MAX_INCLUDED = 8
_RARE = 0.4
_MOST_STATES = 20
_COMPARISON = 1 / 3


def plain(relation: Relation, columns: Iterable[str]) -> bool:
    """Whether no literal beside these columns is read by somebody's code."""
    return all(relation.columns[column].plain for column in columns if column in relation.columns)


def partial(use: TableUse, indexes: Iterable[IndexDef]) -> Iterator[IndexDef]:
    """The same indexes over the rows that one fixed condition keeps, when they are few."""
    rare = list(_rare(use))
    for index in indexes if rare else ():
        yield from _each(use, index, rare)


def found_alone(use: TableUse) -> Iterator[IndexDef]:
    """Indexes of the few rows that one fixed condition keeps, for a statement without keys: the predicate alone finds them."""
    for constant, fraction in _rare(use):
        if len(constant.columns) > 1:
            continue
        place, own = use.relation.place, constant.columns[0]
        yield _of_rows(constant, fraction, place, (Key(column_term(own)),))
        needed = sorted(use.needed_beside([constant]) or ())
        first = own if own in needed else _lead(use.relation, needed)
        if first is not None and len(needed) <= MAX_INCLUDED + 1:
            rest = tuple(name for name in needed if name != first)
            yield _of_rows(constant, fraction, place, (Key(column_term(first)),), rest)


def _rare(use: TableUse) -> Iterator[tuple[Constant, float]]:
    for constant in use.constants:
        fraction = _share(use.relation, constant)
        if fraction is not None and fraction <= _RARE and _is_state(use.relation, constant):
            yield constant, fraction


def _each(use: TableUse, index: IndexDef, rare: Iterable[tuple[Constant, float]]) -> Iterator[IndexDef]:
    for constant, fraction in rare:
        single = constant.columns[0] if len(constant.columns) == 1 else None
        keys = tuple(key for key in index.columns if single is None or key.column != single)
        forms: list[tuple[Key, ...]] = [keys] if keys else [index.columns] if len(index.columns) == 1 else []
        if constant.share is not None and keys and len(keys) < len(index.columns):
            forms.append(index.columns)  # a range may still be a key of what begins with it
        include = index.include
        lead = None if keys or single is None or constant.share is not None else _lead(use.relation, include)
        if lead is not None:  # its own constant orders nothing: a column that is needed anyway is the key
            forms, include = [(Key(column_term(lead)),)], tuple(name for name in include if name != lead)
        for form in forms:
            made = _of_rows(constant, fraction, index.place, form, include)
            if not constant.dated or not any(
                begins_at_date(item, made, constant.columns[0]) for item in use.relation.indexes
            ):
                yield made


def _lead(relation: Relation, include: Iterable[str]) -> str | None:
    """The narrowest of these columns whose values have an order, as only such ones have a correlation."""
    columns = [relation.columns[name] for name in include if name in relation.columns]
    ordered = [column for column in columns if column.correlation is not None]
    return min(ordered, key=lambda column: (column.avg_width or 0, column.name)).name if ordered else None


def _of_rows(
    constant: Constant,
    fraction: float,
    place: tuple[str, str],
    keys: tuple[Key, ...],
    include: tuple[str, ...] = (),
) -> IndexDef:
    stands = constant.values and not constant.excludes
    return IndexDef(
        *place,
        keys,
        include,
        where=constant.condition,
        fraction=fraction,
        joint=() if stands or constant.dated else (constant.condition,),
        guessed=_is_guessed([constant]),
    )


def joint(use: TableUse, indexes: Iterable[IndexDef]) -> Iterator[IndexDef]:
    """Indexes with the keys of plain ones over the rows that all fixed conditions keep, narrow and covering.

    Exclusions keep most rows, so they are taken only where that makes a covering index narrower.
    """
    states = [item for item in use.constants if _counts(use.relation, item)]
    needed = use.needed_beside(states)
    sparing: list[Constant] = []
    for item in use.constants:
        if item.excludes and needed is not None and plain(use.relation, item.columns):
            rest = use.needed_beside((*states, *sparing, item))
            if rest is not None and rest < needed:
                sparing.append(item)
                needed = rest
    rare = _together(use.relation, states) <= _RARE
    if (rare and states) or sparing:
        yield from _over(use, indexes, (*states, *sparing), needed, narrow=rare and len(states) > 1)


def _over(
    use: TableUse,
    indexes: Iterable[IndexDef],
    constants: tuple[Constant, ...],
    needed: frozenset[str] | None,
    narrow: bool,
) -> Iterator[IndexDef]:
    equal = {
        item.columns[0]
        for item in constants
        if len(item.columns) == 1 and not item.excludes and (needed is None or len(item.values) < 2)
    }
    spared = use.needed - needed if use.needed is not None and needed is not None else frozenset()
    texts = tuple(sorted(item.condition for item in constants))
    where = " AND ".join(texts)
    fraction = _together(use.relation, constants)
    # Keys that the predicate fixes fall away, so several lists come to the same.
    lists = dict.fromkeys(
        (index.place, tuple(key for key in index.columns if key.column not in equal | spared))
        for index in indexes
    )
    for place, keys in lists:
        if not keys:
            continue
        held = {key.column for key in keys}
        forms: list[tuple[str, ...]] = [()] if narrow else []
        if needed is not None and 0 < len(extra := tuple(sorted(needed - held))) <= MAX_INCLUDED:
            forms.append(extra)
        elif needed is not None and needed <= held and not narrow:
            forms.append(())
        for include in forms:
            yield IndexDef(
                *place,
                keys,
                include,
                where=where,
                fraction=fraction,
                joint=texts,
                guessed=_is_guessed(constants),
            )


def _counts(relation: Relation, constant: Constant) -> bool:
    usable = not constant.excludes and not constant.dated and _is_state(relation, constant)
    return usable and _share(relation, constant) is not None


def _is_guessed(constants: Sequence[Constant]) -> bool:
    """Whether no statistics know how many rows meet the constants: columns compared, patterns, several together."""
    return len(constants) > 1 or any(not item.values and item.share is None for item in constants)


def _together(relation: Relation, constants: Iterable[Constant]) -> float:
    """The share of rows that independent conditions keep together."""
    return prod(_share(relation, item) or 0.0 for item in constants)


def _is_state(relation: Relation, constant: Constant) -> bool:
    """Whether a constant is one of a few states: an index for one of many venues would serve that one alone."""
    of_one_part = len(constant.columns) > 1 or constant.share is not None
    if of_one_part or None in constant.values or "" in constant.values or constant.excludes:
        return plain(relation, constant.columns)
    column = relation.columns[constant.columns[0]]
    return column.plain and column.n_distinct is not None and 0 < column.n_distinct <= _MOST_STATES


def _share(relation: Relation, constant: Constant) -> float | None:
    """The share of rows that a constant condition keeps; what the planner assumes for a comparison of two columns."""
    if constant.share is not None or len(constant.columns) > 1:
        return _COMPARISON if constant.share is None else constant.share
    shares = [value_fraction(relation, constant.columns[0], value) for value in constant.values]
    if constant.excludes:
        return 1.0 - min(sum(share or 0.0 for share in shares), 1.0)
    return None if None in shares else min(sum(share or 0.0 for share in shares), 1.0)
