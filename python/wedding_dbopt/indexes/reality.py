"""What a plan costs beyond the planner's figure, in his units.

**Visits.** The planner counts the pages that an index scan reads from disk, each at most once when they stay in memory. What
he leaves out is the visit itself: finding the page in the cache and pinning it, for every row that does not lie on the page of
the row before. Measured on PostgreSQL 15, all in memory: 1.0 to 1.3 microseconds a row more than his cost says, where one unit
of that cost took 3.5 to 6 microseconds of a sequential scan.

**Probes.** Where a nested loop looks into a large index for one row after the other, in no order of its keys, each descent meets
pages that are not in the processor's cache. Measured over 1.5 million rows, where one unit took 3.4 microseconds: 4.2
microseconds a probe in random order, 2.9 without visiting the table, 1.5 in the order of the keys; the planner says 1.9 for all.

**Misses.** To look into a hash table costs each row more than the planner's operator, and a miss where the table is larger
than the processor's cache. Measured for six million rows: an aggregate into 10,000 groups took 0.1 microseconds a row beyond
the scan, one into 200,000 groups 0.45, a join with 10,000 rows 0.17, one with 200,000 rows 0.5. The planner takes both alike.
With the miss alone charged, 1.5 million rows of an index that look into a table of 57,000 seemed to leave 42 % of TPC-H q10,
where 80 % were left. Sorted input needs no table. Rows that an index brings in the order of the looked-up key find the entry
of the row before still in the cache, so only each new key misses: of TPC-H q13 1.4 of 1.9 seconds went with an index of 33 MB
that the planner found 28 % cheaper.

**Columns.** To reach a column, those before it are taken apart, which he does not charge. Measured on six million rows, where
one unit took 4.3 microseconds: 4 nanoseconds a column while all have a fixed length, 6 from the first numeric one on, 62 in
all for the eleventh.

**Rows of joins by several columns.** Without a foreign key the planner multiplies the shares of the columns, as if they had
nothing to do with each other, and expects 48 rows where 319,000 come (TPC-H q09). Nested loops above such a join look free.
Where the columns are a key of one side, each row of the other side is taken to find its partner. A lookup by such columns finds
more rows than he pays for: 277,000 more of q09 took 1.6 microseconds each, where one unit took 2.3.

**Rows that meet a pattern.** He expects 9 % of the parts to be green where 5 % are (q09). The sample is counted, where
nothing else filters.

**Rows where columns are compared.** He takes a third of the rows to have one column less than another of the same table; in
TPC-H q21 63 % have. A sample is counted, and its share decides how many rows go on from there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..catalog import PAGE_BYTES, Catalog, Column, Relation
from ..plan import Node, Plan
from ..query import Table, unquoted
from .statistics import distinct_values, equal_fraction, row_count
from .terms import column_term, quoted

# What one visit costs beyond the planner's figure, in his units: of a table in the processor's cache, and of a large one.
_CLOSE_VISIT_COST, _VISIT_COST = 0.06, 0.25
# What a descent into an index costs beyond that of which nothing is in the processor's cache.
_PROBE_COST = 0.37
# What a row costs that looks into a hash table, and what more if nothing of it is in the processor's cache.
_LOOK_COST = 0.03
_MISS_COST = 0.07
# What a row costs that a lookup finds beyond those expected, without the visit.
_FOUND_COST = 0.43
# What each column of a row costs that is taken apart to reach the last one needed.
_COLUMN_COST = 0.0014
CPU_OPERATOR_COST = 0.0025
_CACHE_BYTES, _LARGE_BYTES = 4_000_000, 200_000_000
_ENTRY_BYTES = 64
_INDEX_ENTRY_BYTES = 20
# A condition on groups is taken to keep a third, as the planner does.
_KEPT_GROUPS = 3.0

_NAME = r'(?:\w+|"(?:[^"]|"")+")'
_CONDITION = re.compile(rf"\({_NAME}\.({_NAME})\)?(?:::[\w ]+)? (\S+) ")
_PAIR = re.compile(rf"\(({_NAME})\.({_NAME}) = ({_NAME})\.({_NAME})\)")
_COMPARISON = re.compile(rf"\(({_NAME})\.({_NAME}) (<|>|<=|>=) ({_NAME})\.({_NAME})\)")
_PATTERN = re.compile(rf"\(\(?({_NAME})\.({_NAME})\)?(?:::\w+)? (~~?\*?) ('(?:[^']|'')*')::text\)")
_SAID = {"~~": "LIKE", "~~*": "ILIKE"}
_TURN = str.maketrans("<>", "><")
# The share that the planner expects of a comparison of two columns.
_COMPARED = 1 / 3
_TWO = 2

RelationOf = Callable[[Node], Relation | None]
LeadingOf = Callable[[Node], str | None]
DepthOf = Callable[[Relation], float]
#: What the visit of a table's page costs beyond the planner's figure.
VisitOf = Callable[[Relation], float]
#: What a run of a scan takes beyond its cost, as HypoPG's indexes cost no descent.
DescentOf = Callable[[Node], float]
#: The share of a table's rows that meet a condition, where it was counted.
ShareOf = Callable[[Relation, str], "float | None"]


_KEEPING_ORDER = ("Nested Loop", "Hash Join", "Memoize", "Materialize")


def visit_cost(relation: Relation) -> float:
    """What one visit of a table's page costs beyond the planner's figure."""
    size = relation.pages * PAGE_BYTES
    far = math.log(max(size, _CACHE_BYTES) / _CACHE_BYTES) / math.log(_LARGE_BYTES / _CACHE_BYTES)
    return _CLOSE_VISIT_COST + (_VISIT_COST - _CLOSE_VISIT_COST) * min(far, 1.0)


@dataclass(frozen=True)
class _Order:
    """The scans of a plan by alias, and what drives those that run again and again."""

    scans: Mapping[str, Node]
    drivers: Mapping[int, Node]
    relation_of: RelationOf
    leading_of: LeadingOf


@dataclass(frozen=True)
class Beyond:
    """The cost of plans beyond the planner's, over the tables of a catalogue."""

    catalog: Catalog
    share: ShareOf = lambda relation, condition: None

    def __call__(self, plan: Plan, leading: LeadingOf, depth: DepthOf, descent: DescentOf) -> float:
        """`leading` names a hypothetical index's first column and `descent` tells what he leaves out of a run of it, `depth`
        tells to which column a table's rows are taken apart.
        """

        def relation_of(node: Node) -> Relation | None:
            return self.catalog.relation(Table(node.schema, node.relation, "")) if node.relation else None

        def leading_of(node: Node) -> str | None:
            relation = relation_of(node)
            held = relation.indexes if relation is not None else ()
            return leading(node) or next((x.columns[0] for x in held if x.name == node.index), None)

        return beyond(plan, relation_of, leading_of, share_of=self.share, depth_of=depth, descent_of=descent)


def beyond(
    plan: Plan,
    relation_of: RelationOf,
    leading_of: LeadingOf,
    visit_of: VisitOf = visit_cost,
    share_of: ShareOf = lambda relation, condition: None,
    depth_of: DepthOf = lambda relation: 0,
    descent_of: DescentOf = lambda node: 0,
) -> float:
    """The cost beyond the planner's and that of the descents he expects.

    `leading_of` names the first column of a node's index, `share_of` tells counted shares, `depth_of` how many columns of a
    table's rows are taken apart. `descent_of` is what he leaves out of each run of a scan: it counts for runs he does not expect.
    """
    swells: dict[int, float] = {}
    lookups: dict[int, float] = {}
    _swell(plan.root, relation_of, share_of, swells, lookups)
    total = 0.0
    scans = {node.alias: node for node in plan.walk() if node.is_scan and node.alias is not None}
    order = _Order(scans, _drivers(plan), relation_of, leading_of)
    for visit in plan.visits(lambda node: swells[id(node)]):
        node = visit.node
        if node.type == "Nested Loop" and len(sides := _sides(node)) == _TWO:
            outer, inner = sides
            more = (swells[id(outer)] - 1.0) * visit.executions * visit.share * outer.rows
            total += more * _run_cost(node, outer, inner, descent_of) if more else 0.0
        if node.children and (size := _table_bytes(node)) > 0:
            rows = node.children[0].rows * swells[id(node.children[0])]
            total += _LOOK_COST * rows * visit.executions
            if size > _CACHE_BYTES:
                missing = _new_keys(node, order, rows) * visit.executions
                total += _MISS_COST * missing * (1.0 - _CACHE_BYTES / size)
        relation = relation_of(node) if node.is_scan else None
        if relation is None:
            continue
        if node.type != "Index Only Scan":
            rows = _fetched(node, relation) * visit.executions * visit.share
            total += _COLUMN_COST * depth_of(relation) * rows
        if node.type not in ("Index Scan", "Index Only Scan"):
            continue
        disorder = _disorder(node, order)
        size = row_count(relation) * _INDEX_ENTRY_BYTES
        if visit.executions > 1.0 and size > _CACHE_BYTES:
            total += _PROBE_COST * visit.executions * disorder * (1.0 - _CACHE_BYTES / size)
        if node.type == "Index Only Scan":
            continue
        column = relation.columns.get(leading_of(node) or "")
        scattered = 1.0 - _correlation(column) ** 2
        expected = max(matched(node, relation) * visit.share, 1.0)
        rows = max(lookups.get(id(node), 0.0), expected)
        total += _FOUND_COST * visit.executions * (rows - expected) * scattered
        visits = visit.executions * (max(disorder, scattered) + (rows - 1.0) * scattered)
        total += visit_of(relation) * visits
    return total


def _fetched(node: Node, relation: Relation) -> float:
    """The rows of one scan that are taken from the table, before the filter leaves some out."""
    if node.type == "Index Scan":
        return matched(node, relation)
    found = (child.rows for child in node.children if child.type.startswith("Bitmap"))
    return next(found, row_count(relation))


def _sides(node: Node) -> tuple[Node, ...]:
    """The two sides of a join, without the subqueries of its conditions."""
    return (
        tuple(child for child in node.children if child.relationship in ("Outer", "Inner")) or node.children
    )


def _run_cost(loop: Node, outer: Node, inner: Node, descent_of: DescentOf) -> float:
    """What one more run of a nested loop's inner side costs: what is kept from the first one is only read again."""
    if inner.type == "Materialize":
        return inner.rows * CPU_OPERATOR_COST
    descents = sum(map(descent_of, inner.walk()))
    return descents + min(
        max(loop.total_cost - outer.total_cost, 0.0) / max(outer.rows, 1.0), inner.total_cost
    )


def _correlation(column: Column | None) -> float:
    return (column.correlation if column is not None else None) or 0.0


def _drivers(plan: Plan) -> dict[int, Node]:
    """For each node that a nested loop runs again and again, the scan whose order its runs come in, where one gives it."""
    found: dict[int, Node] = {}
    for node in plan.walk():
        if node.type == "Nested Loop" and len(node.children) == _TWO:
            driver = node.children[0]
            while driver.children and driver.type in _KEEPING_ORDER:
                driver = driver.children[0]
            if driver.is_scan:
                found.update({id(below): driver for below in node.children[1].walk()})
    return found


def _disorder(node: Node, order: _Order) -> float:
    """How far the probes of an index are from the order of its keys: 0 where they come in that order, 1 where in none."""
    driver = order.drivers.get(id(node))
    pair = _PAIR.search(node.index_cond or "")
    if driver is None or pair is None:
        return 1.0
    one, first, other, second = map(unquoted, pair.groups())
    alias, column = (one, first) if other == node.alias else (other, second)
    outer = order.scans.get(alias)
    relation = order.relation_of(outer) if outer is not None else None
    if outer is None or relation is None:
        return 1.0
    if outer.index is not None and outer.type != "Bitmap Heap Scan":
        led = order.leading_of(outer) == column
        return 1.0 if not led else 0.0 if outer is driver else _disorder(outer, order)
    return 1.0 - _correlation(relation.columns.get(column)) ** 2 if outer is driver else 1.0


def _new_keys(node: Node, order: _Order, rows: float) -> float:
    """How many of the rows that look into a hash table ask for another key than the row before: with no order all."""
    driver = node.children[0]
    same: set[tuple[str, str]] = set()
    while driver.children and driver.type in _KEEPING_ORDER:
        same.update(_partners(driver))
        driver = driver.children[0]
    relation = order.relation_of(driver) if driver.type in ("Index Scan", "Index Only Scan") else None
    leading = order.leading_of(driver) if relation is not None else None
    if relation is None or leading is None:
        return rows
    known = {f"{driver.alias}.{leading}"}
    for one, other in (*same, *_partners(node)):
        known |= {one, other} if known & {one, other} else set()
    asked = (
        node.group_key[:1] if node.type == "Aggregate" else [one for pair in _partners(node) for one in pair]
    )
    found = known.intersection(part.replace('"', "") for part in asked)
    return min(rows, distinct_values(relation, leading)) if found else rows


def _partners(node: Node) -> list[tuple[str, str]]:
    """The pairs of columns that a join sets equal, as `alias.column`."""
    pairs = (map(unquoted, found) for found in _PAIR.findall(node.join_cond or ""))
    return [(f"{one}.{first}", f"{other}.{second}") for one, first, other, second in pairs]


def _table_bytes(node: Node) -> float:
    """The size of the hash table that a node looks into for each row of its first child; 0 for other nodes."""
    if node.hashes_groups:
        groups = node.rows * (_KEPT_GROUPS if node.filter is not None else 1.0)
        return groups * (node.width + _ENTRY_BYTES)
    if node.type == "Hash Join":
        inner = node.children[1]
        return inner.rows * (inner.width + _ENTRY_BYTES)
    return 0.0


def matched(node: Node, relation: Relation) -> float:
    """The rows of one scan that its index finds, before the filter leaves some out."""
    if node.filter is None:
        return node.rows
    if node.index_cond is None:
        return row_count(relation)
    rows = row_count(relation)
    for name, operator in _CONDITION.findall(node.index_cond):
        if operator != "=":
            return node.rows
        rows *= equal_fraction(relation, column_term(unquoted(name)))
    return max(min(rows, row_count(relation)), node.rows)


def _swell(
    node: Node,
    relation_of: RelationOf,
    share_of: ShareOf,
    swells: dict[int, float],
    lookups: dict[int, float],
) -> Mapping[str, Relation]:
    """How many times more rows than expected each node gives, and how many each run of a lookup by several columns finds.

    Returns the tables below the node by alias.
    """
    below: dict[str, Relation] = {}
    sides: list[Mapping[str, Relation]] = []
    factor = 1.0
    for child in node.children:
        sides.append(_swell(child, relation_of, share_of, swells, lookups))
        below.update(sides[-1])
        factor *= swells[id(child)]
    relation = relation_of(node) if node.is_scan else None
    if relation is not None and node.alias is not None:
        below[node.alias] = relation
        factor *= _scan_swell(node, relation, share_of)
    if node.type in ("Aggregate", "Limit", "Unique", "Group", "SetOp"):
        factor = 1.0
    if len(sides) == _TWO and node.join_type == "Inner":
        outer, inner = node.children
        joined = _joined_rows(node, sides, swells)
        factor *= max(joined / (max(node.rows, 1.0) * factor), 1.0)
        if node.type == "Nested Loop" and inner.is_scan:
            lookups[id(inner)] = joined / max(outer.rows * swells[id(outer)], 1.0)
    swells[id(node)] = factor
    return below


def _scan_swell(node: Node, relation: Relation, share_of: ShareOf) -> float:
    """How many times more rows a scan gives than expected by a comparison of its columns, or by a pattern alone."""
    pattern = _PATTERN.fullmatch(node.filter or "") if node.type == "Seq Scan" and not node.parallel else None
    if pattern is not None:
        said = f"{quoted(unquoted(pattern[2]))} {_SAID.get(pattern[3], pattern[3])} {pattern[4]}"
        known = share_of(relation, said)
        return max(known * row_count(relation), 1.0) / max(node.rows, 1.0) if known is not None else 1.0
    found = {pair for pair in _COMPARISON.findall(node.filter or "") if pair[0] == pair[3]}
    # How several depend on each other is not known from the share of each.
    if len(found) != 1:
        return 1.0
    _, first, operator, _, second = found.pop()
    left, right = sorted((quoted(unquoted(first)), quoted(unquoted(second))))
    turned = operator if left == quoted(unquoted(first)) else operator.translate(_TURN)
    share = share_of(relation, f"{left} {turned} {right}")
    return share / _COMPARED if share is not None else 1.0


def _joined_rows(node: Node, sides: list[Mapping[str, Relation]], swells: Mapping[int, float]) -> float:
    """The rows of a join by several columns that are a key of one side; 0 for any other join."""
    inner = node.children[1]
    looked_up = node.type == "Nested Loop" and inner.index_cond is not None
    if looked_up and _PAIR.sub("", inner.filter or "").replace("AND", "").strip(" ()"):
        return 0.0
    text = f"{inner.index_cond} {inner.filter}" if looked_up else node.join_cond
    columns: dict[str, set[str]] = {}
    for one, first, other, second in _PAIR.findall(text or ""):
        columns.setdefault(unquoted(one), set()).add(unquoted(first))
        columns.setdefault(unquoted(other), set()).add(unquoted(second))
    for alias, names in columns.items():
        place = next((n for n, side in enumerate(sides) if alias in side), None)
        relation = sides[place][alias] if place is not None else None
        if place is None or relation is None or not _several(relation, names):
            continue
        rows = [child.rows * swells[id(child)] for child in node.children]
        if looked_up:
            # The index is asked for each row of the outer side: what it holds in all counts.
            rows[1] = row_count(sides[1].get(inner.alias or "", relation))
        return rows[1 - place] * rows[place] / row_count(relation)
    return 0.0


def _several(relation: Relation, names: set[str]) -> bool:
    """Whether the columns hold a key of the table, but only one of several columns."""
    return relation.unique_on(names) and not any(relation.unique_on([name]) for name in names)
