"""Candidate indexes of a workload: few, in the right column order, none that exists already.

Equality columns come first (a range or a sort can only follow them), then one range or the sort keys, so that
`ORDER BY ... LIMIT` needs no sort. The planner chooses among them; this module only leaves out what cannot
pay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

from ..catalog import PAGE_BYTES, Column, Relation
from .conditions import Constant, Search
from .definition import IndexDef, Key
from .existing import serves
from .partials import MAX_INCLUDED, found_alone, joint, partial, plain
from .predicates import Group, TableUse
from .statistics import average_width, equal_fraction, row_count
from .terms import Term, column_term

# Ten pages are read for about the price of two random fetches: no index saves anything that matters.
MIN_PAGES = 10
# An index-only scan must read clearly less than the table.
_COVERING_SHARE = 0.6
_POOR_KEY = 0.3
_SELECTIVE = 0.05
_MAX_ARRANGED = 3
_ORDERED = 0.95
# Fewer ranges of 128 pages than this leave most of the table to read.
_BRIN_PAGES = 2048
_LONG_KEY = 24
_ENTRY_BYTES = 12
_FEW_EQUAL = 2.0
_TEXT_KINDS = ("text", "character", "varchar", "bpchar")

Usage = Mapping[tuple[str, str, Term], int]


@dataclass(frozen=True)
class Candidates:
    """The indexes one statement could use: plain, and the special ones priced apart.

    `sorting` are those of `plain` that serve equality conditions, as many as fit, and the order of a LIMIT; `small` do less
    than a B-tree in less space: BRIN on what lies in order, hash on long keys.
    """

    plain: tuple[IndexDef, ...]
    sorting: tuple[IndexDef, ...]
    covering: tuple[IndexDef, ...]
    partial: tuple[IndexDef, ...]
    small: tuple[IndexDef, ...]
    searches: tuple[IndexDef, ...]


def usage(statements: Iterable[Iterable[TableUse]]) -> Usage:
    """How many statements of a workload compare each key for equality."""
    counted: Counter[tuple[str, str, Term]] = Counter()
    for uses in statements:
        counted.update(
            {
                (use.relation.schema, use.relation.name, term)
                for use in uses
                for group in use.groups
                for term in group.equal + group.joined
            }
        )
    return counted


def shared(statements: Iterable[Iterable[TableUse]]) -> frozenset[int]:
    """The oids of tables that are asked in two ways: only there it matters in which order an index has its equal keys."""
    asked = Counter(use.relation.oid for uses in statements for use in uses for _ in use.groups)
    return frozenset(oid for oid, times in asked.items() if times > 1)


def candidates(
    uses: Iterable[TableUse], used: Usage, max_width: int = 3, orders: Collection[int] | None = None
) -> Candidates:
    """All candidates of one statement, each new to its table; in all orders of equal keys on the tables `orders` (None: all)."""
    whole: dict[IndexDef, None] = {}
    sorting: dict[IndexDef, None] = {}
    covering: dict[IndexDef, None] = {}
    partly: dict[IndexDef, None] = {}
    small: dict[IndexDef, None] = {}
    searches: dict[IndexDef, None] = {}
    for use in uses:
        if not eligible(use.relation):
            continue
        forms: dict[IndexDef, None] = {}
        every = orders is None or use.relation.oid in orders
        for keys in _key_lists(use, used, max_width, every):
            _add(forms, _index(use.relation, keys))
        own = [index for index in forms if _is_new(use.relation, index)]
        whole |= dict.fromkeys(own)
        for keys in _sorting(use, used, max_width):
            index = _index(use.relation, keys)
            if index is not None and _is_new(use.relation, index):
                sorting[index] = None
        # A key that is indexed already may still deserve an index that holds the other columns too.
        wider = [variant for index in forms for variant in _covering(use, index)]
        covering |= dict.fromkeys(index for index in wider if _is_new(use.relation, index))
        partly |= dict.fromkeys(partial(use, (*own, *wider)))
        partly |= dict.fromkeys(joint(use, forms))
        if not own:
            partly |= dict.fromkeys(found_alone(use))
        small |= dict.fromkeys(index for index in _small(use) if _is_new(use.relation, index))
        asked = (search_index(use.relation, search) for search in use.searches)
        searches |= dict.fromkeys(index for index in asked if _is_new(use.relation, index))
    return Candidates(
        tuple(whole), tuple(sorting), tuple(covering), tuple(partly), tuple(small), tuple(searches)
    )


def search_index(relation: Relation, search: Search) -> IndexDef:
    """The index a search condition asks for; its operator class has no schema yet."""
    single = search.columns[0] if search.expression == column_term(search.columns[0]).sql else None
    key = Key(Term(search.expression, single, search.columns), opclass=search.opclass)
    return IndexDef(relation.schema, relation.name, (key,), method=search.method)


def shared_covers(picked: Iterable[IndexDef]) -> Iterator[IndexDef]:
    """Covering indexes that hold what two statements need, where both picked the same leading key."""
    groups: dict[tuple[tuple[str, str], Key], list[IndexDef]] = {}
    for index in sorted(picked, key=IndexDef.order_key):
        if index.method == "btree" and index.where is None:
            groups.setdefault((index.place, index.columns[0]), []).append(index)
    for first, second in (pair for group in groups.values() for pair in permutations(group, 2)):
        keys = {key.column for key in first.columns}
        extra = {*second.include, *(key.column for key in second.columns if key.column is not None)}
        included = tuple(sorted({*first.include, *extra} - keys))
        wider = (first.include or second.include) and set(included) > set(first.include)
        if wider and len(included) <= MAX_INCLUDED:
            yield IndexDef(*first.place, first.columns, included)


def leads(use: TableUse, index: IndexDef) -> bool:
    """Whether an index begins with something that a table reference asks for."""
    return index.columns[0].term in use.terms()


def helps(use: TableUse, index: IndexDef) -> bool:
    """Whether an index may change how a table reference is read: by its keys, or because it holds all that is needed."""
    if use.proven(index.conditions) is None:
        return False
    if holds(use, index):
        return True
    if index.where is not None and (leads(use, index) or index.columns[0].column in _said_of(use, index)):
        return True
    if not leads(use, index):
        return False
    terms = use.terms()
    width = next((n for n, key in enumerate(index.columns) if key.term not in terms), len(index.columns))
    return _is_new(use.relation, IndexDef(*index.place, index.columns[:width], method=index.method))


def _said_of(use: TableUse, index: IndexDef) -> set[str]:
    """The columns of an index's predicate: with such a key it is read for the predicate alone."""
    return {column for item in use.proven(index.conditions) or () for column in item.columns}


def holds(use: TableUse, index: IndexDef) -> bool:
    """Whether an index has all that a reference needs beside its predicate."""
    needed = use.needed_beside(use.proven(index.conditions) or ())
    return needed is not None and needed <= {key.column for key in index.columns} | set(index.include)


def stand_in(uses: Sequence[TableUse], index: IndexDef, alone: bool = False) -> IndexDef | None:
    """A full index that reads what a partial one does; None where it could do more.

    For one value it is led by its column. For other conditions it has the same keys, and where it covers it holds the columns of
    the conditions too; then it reads more, which is taken off its cost, and a plan that takes it without the conditions does
    not count. A single condition must be one of every reference to the table; `alone` tells that the statement has no other.
    """
    held = [use.proven(index.conditions) for use in uses]
    proven = next((found for found in held if found is not None), None)
    if proven is None or (None in held and not _tells_apart(index, proven)):
        return None
    if index.joint:
        more = {column for item in proven for column in item.columns} if _covers(uses, index) else set()
        added = sorted({*index.include, *more} - {key.column for key in index.columns})
        return replace(index, include=tuple(added), where=None, fraction=1.0, joint=())
    constant = proven[0]
    if len(constant.columns) != 1:
        return None
    if constant.share is not None:
        # A range, which the same keys over all rows serve at least as dearly. Beside the partial index they would be combined
        # with others of its condition, which the planner never does with it.
        return None if alone else replace(index, where=None, fraction=1.0)
    # An empty text stands for anything but NULL, which a leading column does not find, nor what is left when values are not.
    if constant.excludes or any(not value for value in constant.values):
        return None
    column = constant.columns[0]
    keys = tuple(key for key in index.columns if key.column != column)
    include = tuple(name for name in index.include if name != column)
    return IndexDef(*index.place, (Key(column_term(column)), *keys), include, index.method)


def _tells_apart(index: IndexDef, proven: Sequence[Constant]) -> bool:
    """Whether a scan shows by the columns it names that it asks the conditions: of one column it may ask something else."""
    return len(index.joint) > 1 or (bool(index.joint) and len(proven[0].columns) > 1)


def effective(uses: Iterable[TableUse], index: IndexDef) -> IndexDef:
    """What an index amounts to for some references to its table: without keys and columns that none of them can use."""
    of_table = list(uses)
    if _covers(of_table, index):
        return index
    terms = frozenset[Term]().union(*(use.terms() for use in of_table))
    width = next((n for n, key in enumerate(index.columns) if key.term not in terms), len(index.columns))
    if width in (0, len(index.columns)) and not index.include:
        return index
    return replace(index, columns=index.columns[: width or None], include=())


def _covers(uses: Iterable[TableUse], index: IndexDef) -> bool:
    """Whether an index holds all that one of the references needs."""
    return any(holds(use, index) for use in uses)


def eligible(relation: Relation) -> bool:
    """Whether a table may get an index from us: the user's, all of it on this server, large enough to matter."""
    system = relation.schema.startswith("pg_") or relation.schema == "information_schema"
    here = relation.kind in ("r", "m") or (relation.kind == "p" and relation.local)
    return here and not system and relation.pages >= MIN_PAGES


def _key_lists(use: TableUse, used: Usage, max_width: int, orders: bool) -> Iterator[tuple[Key, ...]]:
    """Key lists in order of promise; every list is at most `max_width` long."""
    rank = _ranking(use, used)
    sort = tuple(Key(key.term, key.descending, key.nulls_first) for key in use.order)
    grouped = tuple(Key(term) for term in use.grouped)
    for group in use.groups:
        equal = sorted(set(group.equal), key=rank)
        joined = sorted(set(group.joined) - set(equal), key=rank)
        tails: list[tuple[Key, ...]] = [(key,) for key in _ranges(use.relation, group)]
        # One key behind equal ones is read in either direction.
        turned = len(sort) == 1 and any(sort[0] in (key, key.reversed()) for (key,) in tails)
        tails += [tail for tail in (() if turned else sort, grouped) if tail]
        for head in _heads(equal, joined, max_width, orders):
            keys = tuple(Key(term) for term in head)
            yield keys
            for tail in tails:
                fresh = tuple(key for key in tail if key.term not in head)
                if fresh:
                    yield (*keys[: max(1, max_width - len(fresh))], *fresh)[:max_width]
        for tail in tails:
            yield tail[:max_width]


def _sorting(use: TableUse, used: Usage, max_width: int) -> Iterator[tuple[Key, ...]]:
    group = use.groups[0]
    sort = tuple(Key(key.term, key.descending, key.nulls_first) for key in use.order)
    head = tuple(Key(term) for term in sorted(set(group.equal), key=_ranking(use, used)))
    fits = len(sort) < max_width and not (group.ranged or group.prefixed)
    if use.limited and head and sort and fits:
        yield head[: max_width - len(sort)] + sort


def _heads(equal: list[Term], joined: list[Term], max_width: int, orders: bool) -> Iterator[tuple[Term, ...]]:
    """Leading keys: all equality columns, each alone, some of few, in all orders where wanted; joins alone and with them."""
    if equal:
        yield tuple(equal[:max_width])
        for term in equal:
            yield (term,)
        few = equal[:_MAX_ARRANGED]
        for width in range(2, min(max_width, len(few)) + 1):
            yield from permutations(few, width) if orders else combinations(few, width)
    for term in joined:
        yield (term,)
        if equal:
            yield (term, *equal[: max_width - 1])
            yield (*equal[: max_width - 1], term)
    if len(joined) > 1:
        yield tuple(joined[:max_width])
        # Two tables are often joined by two columns.
        if max_width > 1:
            yield from permutations(joined[:_MAX_ARRANGED], 2)


def _ranges(relation: Relation, group: Group) -> Iterator[Key]:
    for term in group.ranged:
        yield Key(term)
    for term in group.prefixed:
        kind = relation.columns[term.column].type if term.column is not None else "text"
        if term.column is not None and relation.columns[term.column].collation in ("C", "POSIX"):
            yield Key(term)
            continue
        if kind.startswith(_TEXT_KINDS):
            opclass = "bpchar_pattern_ops" if kind in ("bpchar", "character") else "text_pattern_ops"
            yield Key(term, opclass=f"pg_catalog.{opclass}")


def _ranking(use: TableUse, used: Usage) -> Callable[[Term], tuple[bool, int, float, str]]:
    """Selective columns first, among them the one most statements share, then the more selective."""
    relation = use.relation
    nulls = {item.columns[0] for item in use.constants if item.values == (None,)}

    def rank(term: Term) -> tuple[bool, int, float, str]:
        fraction = equal_fraction(relation, term)
        if term.column in nulls:
            # Of which nothing is known, a value leads.
            known = relation.columns[term.column].null_frac
            fraction = 1.0 if known is None else known
        shared = used.get((relation.schema, relation.name, term), 0)
        return (fraction > _SELECTIVE, -shared, fraction, term.sql)

    return rank


def _index(relation: Relation, keys: tuple[Key, ...]) -> IndexDef | None:
    """The index, unless it is empty, repeats a key, is a single key of few values or reads foreign literals."""
    if not keys or len({key.term for key in keys}) < len(keys):
        return None
    if any(key.expression is not None and not plain(relation, key.term.columns) for key in keys):
        return None
    index = IndexDef(relation.schema, relation.name, keys)
    return None if len(keys) == 1 and _poor(relation, keys[0]) else index


def _is_new(relation: Relation, index: IndexDef) -> bool:
    return not any(serves(existing, index) for existing in (*relation.indexes, *relation.part_indexes))


def _poor(relation: Relation, key: Key) -> bool:
    column = relation.columns.get(key.column or "")
    return column is not None and column.type == "boolean" and _rarest(column) > _POOR_KEY


def _rarest(column: Column) -> float:
    frequencies = column.most_common_freqs or ()
    return min(frequencies) if len(frequencies) > 1 else 0.5


def _covering(use: TableUse, index: IndexDef) -> Iterator[IndexDef]:
    if use.needed is None:
        return
    held = {key.column for key in index.columns}
    extra = tuple(sorted(use.needed - {column for column in held if column is not None}))
    width = _ENTRY_BYTES + sum(average_width(use.relation, column) for column in use.needed)
    row = PAGE_BYTES * use.relation.pages / row_count(use.relation)
    if 0 < len(extra) <= MAX_INCLUDED and width <= _COVERING_SHARE * row:
        yield IndexDef(index.schema, index.table, index.columns, extra)


def _small(use: TableUse) -> Iterator[IndexDef]:
    """BRIN for ranges of a column whose values lie in the table's order, hash for equality of long, different values."""
    columns = use.relation.columns
    for group in use.groups:
        for term in group.ranged:
            column = columns.get(term.column or "")
            ordered = column is not None and abs(column.correlation or 0.0) >= _ORDERED
            if ordered and use.relation.pages >= _BRIN_PAGES:
                yield _method(use.relation, term, "brin")
        for term in group.equal:
            column = columns.get(term.column or "")
            if column is None or not column.plain or not column.deterministic:
                continue
            different = equal_fraction(use.relation, term) * row_count(use.relation) <= _FEW_EQUAL
            if different and average_width(use.relation, column.name) >= _LONG_KEY:
                yield _method(use.relation, term, "hash")


def _method(relation: Relation, term: Term, method: str) -> IndexDef:
    return IndexDef(relation.schema, relation.name, (Key(term),), method=method)


def _add(found: dict[IndexDef, None], index: IndexDef | None) -> None:
    if index is not None:
        found[index] = None
