"""What a statement asks of each of its tables: the raw material of index candidates.

One `TableUse` stands for one reference to a table, wherever it occurs: in a join, a subquery, a CTE,
an EXISTS, a LATERAL or the WHERE of a data change. Conditions on a CTE's or subquery's output columns are
credited to the table below, because the planner pulls such queries up.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from sqlglot import exp

from ..catalog import Catalog, Relation
from ..errors import stack_bound
from .conditions import Bound, Condition, Constant, Placed, Search, arms, conditions, conjuncts, search
from .exclusions import excluded
from .expressions import Asked, asked_of
from .grades import Limit, kept
from .resolve import Resolver, Scope, joins, name_of, sources
from .terms import Term, column_term, term


@dataclass(frozen=True)
class SortKey:
    """One ORDER BY entry on a table."""

    term: Term
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Group:
    """Conditions that hold together: the AND-ed ones, or those plus one arm of an OR."""

    equal: tuple[Term, ...] = ()
    ranged: tuple[Term, ...] = ()
    prefixed: tuple[Term, ...] = ()
    joined: tuple[Term, ...] = ()

    def asks(self, other: Group) -> bool:
        """Whether these conditions hold all of others."""
        return (
            set(self.equal) >= set(other.equal)
            and set(self.ranged) >= set(other.ranged)
            and set(self.prefixed) >= set(other.prefixed)
            and set(self.joined) >= set(other.joined)
        )


_FIXED = frozenset(
    ("smallint", "integer", "bigint", "boolean", "date", "time", "timestamp", "real", "double", "uuid", "oid")
)


@dataclass(frozen=True)
class TableUse:
    """What one table reference is asked for.

    `groups[0]` holds the AND-ed conditions, further groups belong to one arm of an OR. `needed` are the
    columns the statement reads, None when it reads whole rows. `order` is empty when not every key is of
    this table; `bounds` are the least values that AND-ed ranges ask for; `written` are the columns an UPDATE sets.
    `named` counts how often the statement names a column; `expressions` is what it asks of expressions.
    """

    relation: Relation
    groups: tuple[Group, ...]
    order: tuple[SortKey, ...] = ()
    limited: bool = False
    grouped: tuple[Term, ...] = ()
    needed: frozenset[str] | None = None
    searches: tuple[Search, ...] = ()
    constants: tuple[Constant, ...] = ()
    bounds: tuple[Bound, ...] = ()
    written: frozenset[str] = frozenset()
    named: tuple[tuple[str, int], ...] = ()
    expressions: tuple[Asked, ...] = ()

    def proven(self, conditions: Iterable[str]) -> tuple[Constant, ...] | None:
        """The constants behind the conditions of a partial index; None when this reference does not have them all."""
        held = {constant.condition: constant for constant in self.constants}
        wanted = list(conditions)
        return tuple(held[text] for text in wanted) if held.keys() >= set(wanted) else None

    @property
    def depth(self) -> float:
        """How many columns of a row are taken apart to reach the last one that is needed.

        Those of fixed length count half until the first of another: where they lie is known beforehand.
        """
        columns = self.relation.columns
        wanted = columns.keys() if self.needed is None else self.needed & columns.keys()
        total, reached, weight = 0.0, 0.0, 0.5
        for name, column in columns.items():
            weight = weight if re.split(r"[ (]", column.type)[0] in _FIXED else 1.0
            total += weight
            reached = total if name in wanted else reached
        return reached

    def needed_beside(self, constants: Iterable[Constant]) -> frozenset[str] | None:
        """The columns still needed from an index whose predicate says these constants: the planner does not ask them again."""
        if self.needed is None:
            return None
        settled = Counter[str]()
        for constant in constants:
            settled.update(dict.fromkeys(constant.columns, constant.times))
        named = dict(self.named)
        return frozenset(
            column
            for column in self.needed
            if column not in settled or named.get(column, 0) != settled[column]
        )

    def terms(self) -> frozenset[Term]:
        """Every key that a condition, the order or the grouping of this reference could use."""
        return self._terms

    def asks(self, other: TableUse) -> bool:
        """Whether this reference asks all that another to its table does, in whatever words."""
        said = {item.says for item in self.constants}
        return (
            self.relation.oid == other.relation.oid
            and other.order in ((), self.order)
            and self.limited >= other.limited
            and set(self.grouped) >= set(other.grouped)
            and (self.needed is None or (other.needed is not None and self.needed >= other.needed))
            and set(self.searches) >= set(other.searches)
            and all(item.says in said for item in other.constants)
            and all(any(own.asks(group) for own in self.groups) for group in other.groups)
        )

    @cached_property
    def _terms(self) -> frozenset[Term]:
        found = {key.term for key in self.order} | set(self.grouped)
        for group in self.groups:
            found.update(group.equal + group.ranged + group.prefixed + group.joined)
        return frozenset(found)


@dataclass
class _Draft:
    relation: Relation
    common: list[Condition] = field(default_factory=list)
    arms: list[list[Condition]] = field(default_factory=list)
    order: list[SortKey] = field(default_factory=list)
    limited: bool = False
    grouped: list[Term] = field(default_factory=list)
    needed: set[str] = field(default_factory=set)
    named: Counter[str] = field(default_factory=Counter)
    whole_rows: bool = False
    searches: list[Search] = field(default_factory=list)
    written: set[str] = field(default_factory=set)

    def finished(self) -> TableUse:
        groups = [_group(self.common)]
        for arm in self.arms:
            groups.append(_group(arm))
            if self.common:
                groups.append(_group([*self.common, *arm]))
        return TableUse(
            relation=self.relation,
            groups=tuple(_unique(groups)),
            order=tuple(self.order),
            limited=self.limited,
            grouped=tuple(_unique(self.grouped)),
            needed=None if self.whole_rows else frozenset(self.needed),
            searches=tuple(_unique(self.searches)),
            constants=tuple(
                _unique([*(c.constant for c in self.common if c.constant is not None), *self._ranges()])
            ),
            bounds=tuple(_unique(c.bound for c in self.common if c.bound is not None)),
            written=frozenset(self.written),
            named=tuple(sorted(self.named.items())),
            expressions=asked_of([self.common, *self.arms]),
        )

    def _ranges(self) -> Iterator[Constant]:
        ends: dict[str, list[Limit]] = defaultdict(list)
        for condition in self.common:
            if condition.limits and condition.term.column is not None:
                ends[condition.term.column] += condition.limits
        for column, limits in ends.items():
            found = kept(self.relation, column, limits)
            if found is not None:
                text, share = found
                yield Constant((column,), text, (), share, times=sum(limit.times for limit in limits))


@stack_bound
def table_uses(tree: exp.Expr, catalog: Catalog) -> tuple[TableUse, ...]:
    """Every reference to a catalogued table in a parsed statement. Raises TooDeep."""
    resolver = Resolver(catalog)
    drafts: dict[int, _Draft] = {}
    for node in tree.find_all(exp.Table, bfs=False):
        relation = resolver.relation(node)
        if relation is not None:
            drafts[id(node)] = _Draft(relation)
    for column in tree.find_all(exp.Column):
        place = resolver.column(column)
        if place is not None:
            drafts[id(place[0])].needed.add(place[1])
            drafts[id(place[0])].named[place[1]] += 1
    for scope in tree.find_all(*Scope, bfs=False):
        _read_conditions(scope, resolver, drafts)
        _read_whole_rows(scope, resolver, drafts)
        if isinstance(scope, exp.Select):
            _read_order(scope, resolver, drafts)
        if isinstance(scope, exp.Update) and id(scope.this) in drafts:
            assigned = [part.this for part in scope.expressions if isinstance(part, exp.EQ)]
            drafts[id(scope.this)].written.update(
                name_of(c.this) for c in assigned if isinstance(c, exp.Column)
            )
    return tuple(draft.finished() for draft in drafts.values())


def _read_conditions(scope: exp.Expr, resolver: Resolver, drafts: dict[int, _Draft]) -> None:
    where = scope.args.get("where")
    outer = any(join.side for join in joins(scope))
    # What a subquery asks of a table outside it does not hold for each of that table's rows.
    inside = {id(table) for table in scope.find_all(exp.Table)}

    def open_where(place: exp.Table, fixed: Constant | None) -> bool:
        return id(place) not in inside or (outer and fixed is not None and fixed.keeps_nulls)

    everywhere: list[exp.Expr | None] = [scope.args.get("on"), where.this if where is not None else None]
    _read_all(everywhere, resolver, drafts, open_where)
    for join in joins(scope):
        on, side, joined = join.args.get("on"), join.side, {id(source) for source in join.find_all(exp.Table)}

        def open_on(
            place: exp.Table, fixed: Constant | None, side: str = side, joined: Collection[int] = joined
        ) -> bool:
            return id(place) not in inside or _beside_join(side, joined, place)

        _read_all([on], resolver, drafts, open_on)
        names = [name_of(name) for name in join.args.get("using") or []]
        for source in sources(scope):
            draft = drafts.get(id(source))
            if draft is not None:
                shared = [name for name in names if name in draft.relation.columns]
                draft.common += [Condition("joined", column_term(name)) for name in shared]
                draft.needed.update(shared)
                draft.named.update(shared)
                draft.whole_rows |= join.method == "NATURAL"


def _beside_join(side: str, joined: Collection[int], place: exp.Table) -> bool:
    """Whether a condition of an outer join decides only what is joined: rows of the kept side stay whatever it says."""
    return (
        side == "FULL"
        or (side == "LEFT" and id(place) not in joined)
        or (side == "RIGHT" and id(place) in joined)
    )


def _read_all(
    roots: Iterable[exp.Expr | None],
    resolver: Resolver,
    drafts: dict[int, _Draft],
    is_open: Callable[[exp.Table, Constant | None], bool],
) -> None:
    """Take in the AND-ed conditions; a constant for which `is_open` says so is none that rows must meet."""
    for part in (part for root in roots for part in conjuncts(root)):
        if isinstance(part, exp.Or):
            inner, times = _read_arms(part, resolver, drafts), len(list(arms(part)))
        else:
            inner, times = [part], 1
        for place, condition in (found for one in inner for found in _conditions(one, resolver)):
            drafts[id(place)].common.append(_said(condition, times, is_open, place))
        found = search(part, resolver)
        if found is not None:
            drafts[id(found[0])].searches.append(found[1])


def _read_arms(part: exp.Expr, resolver: Resolver, drafts: dict[int, _Draft]) -> list[exp.Expr]:
    """Take in what each arm asks for; what all of them say is handed back, as the planner takes it out of the OR."""
    sides = [list(conjuncts(arm)) for arm in arms(part)]
    shared = [inner for inner in sides[0] if all(inner in side for side in sides[1:])]
    for side in sides:
        mine: dict[int, list[Condition]] = defaultdict(list)
        for inner in (one for one in side if one not in shared):
            for place, condition in conditions(inner, resolver):
                mine[id(place)].append(condition)
        for key, found in mine.items():
            drafts[key].arms.append(found)
    return shared


def _conditions(part: exp.Expr, resolver: Resolver) -> list[Placed]:
    left_out = excluded(part, resolver)
    return [left_out] if left_out is not None else conditions(part, resolver)


def _said(
    condition: Condition, times: int, is_open: Callable[[exp.Table, Constant | None], bool], place: exp.Table
) -> Condition:
    fixed, ends = condition.constant, condition.limits
    if (fixed is not None or ends) and is_open(place, fixed):
        return replace(condition, constant=None, limits=())
    return replace(
        condition,
        constant=replace(fixed, times=times) if fixed is not None else None,
        limits=tuple(replace(end, times=times * end.times) for end in ends),
    )


def _read_whole_rows(scope: exp.Expr, resolver: Resolver, drafts: dict[int, _Draft]) -> None:
    everything = isinstance(scope, (exp.Update, exp.Delete, exp.Merge)) or bool(scope.args.get("locks"))
    # What EXISTS selects is never read.
    asked = () if isinstance(scope.parent, exp.Exists) else scope.expressions
    everything |= any(isinstance(item, exp.Star) for item in asked)
    named = {
        name_of(column.args.get("table") if isinstance(column.this, exp.Star) else column.this)
        for column in scope.find_all(exp.Column)
        if resolver.column(column) is None
    }
    for source in sources(scope):
        if id(source) in drafts and (everything or source.alias_or_name in named):
            drafts[id(source)].whole_rows = True


def _read_order(scope: exp.Select, resolver: Resolver, drafts: dict[int, _Draft]) -> None:
    limited = bool(scope.args.get("limit"))
    order = scope.args.get("order")
    entries = [(item.this, bool(item.args.get("desc")), item) for item in order.expressions] if order else []
    keys: list[tuple[exp.Expr, bool, bool]] = [
        (_output(node, scope), descending, bool(item.args.get("nulls_first")))
        for node, descending, item in entries
    ]
    extremes = [item.unalias() for item in scope.expressions]
    if not keys and len(extremes) == 1 and isinstance(extremes[0], (exp.Min, exp.Max)):
        descending = isinstance(extremes[0], exp.Max)
        keys, limited = [(extremes[0].this, descending, descending)], True
    places = [(term(node, resolver), descending, first) for node, descending, first in keys]
    tables = {id(place[0]) for place, _, _ in places if place is not None}
    if len(tables) == 1 and all(place is not None for place, _, _ in places):
        draft = drafts[tables.pop()]
        draft.order = [SortKey(place[1], down, first) for place, down, first in places if place is not None]
        draft.limited = limited
    group = scope.args.get("group")
    grouped = [_output(node, scope) for node in group.expressions] if group is not None else []
    distinct = scope.args.get("distinct")
    if distinct is not None:
        on = distinct.args.get("on")
        grouped += on.expressions if on is not None else [item.unalias() for item in scope.expressions]
    found = [term(node, resolver) for node in grouped]
    if len({id(place[0]) for place in found if place is not None}) == 1:
        for place in found:
            if place is not None:
                drafts[id(place[0])].grouped.append(place[1])


def _output(node: exp.Expr, scope: exp.Select) -> exp.Expr:
    """What an ORDER BY or GROUP BY entry means: an output column by number or name, or itself."""
    if isinstance(node, exp.Literal) and not node.is_string and int(node.this) <= len(scope.expressions):
        return scope.expressions[int(node.this) - 1].unalias()  # type: ignore[no-any-return]
    if isinstance(node, exp.Column) and not node.args.get("table"):
        for item in scope.expressions:
            if isinstance(item, exp.Alias) and name_of(item.args.get("alias")) == name_of(node.this):
                return item.this  # type: ignore[no-any-return]
    return node


def _group(found: list[Condition]) -> Group:
    def of(kind: str) -> tuple[Term, ...]:
        return tuple(_unique(condition.term for condition in found if condition.kind == kind))

    return Group(of("equal"), of("ranged"), of("prefixed"), of("joined"))


def _unique(items: Iterable) -> list:  # type: ignore[type-arg]
    return list(dict.fromkeys(items))
