"""A typed view of `EXPLAIN (FORMAT JSON)`: what a plan reads, what it costs, where it goes wrong.

Costs are the planner's units, times are milliseconds, block and byte counts are whole numbers. Figures that
exist only after `EXPLAIN ANALYZE` are None in a plain plan. As in PostgreSQL's own output, `rows`,
`actual_rows` and `rows_removed` are per execution of a node.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wedding_dbopt.errors import TooDeep

Json = dict[str, Any]

DEEPEST = 200  # nodes below one another: who looks through a plan may take two frames of the stack for each

_SCANS = frozenset(
    {
        "Seq Scan",
        "Sample Scan",
        "Index Scan",
        "Index Only Scan",
        "Bitmap Heap Scan",
        "Tid Scan",
        "Tid Range Scan",
        "Foreign Scan",
    }
)
_BLOCKING = frozenset(
    {"Sort", "Hash", "Materialize", "Bitmap Index Scan", "BitmapAnd", "BitmapOr", "CTE Scan"}
)
_ONCE = frozenset({"Materialize", "Memoize"})
_REMOVED = ("Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter")
_JOIN_CONDITIONS = ("Hash Cond", "Merge Cond", "Join Filter")


@dataclass(frozen=True)
class Node:
    """One plan node; `children` are in the planner's order (outer side first)."""

    type: str
    relation: str | None
    schema: str | None
    alias: str | None
    index: str | None
    join_type: str | None
    strategy: str | None
    relationship: str | None
    subplan: str | None
    startup_cost: float
    total_cost: float
    rows: float
    width: int
    filter: str | None
    index_cond: str | None
    recheck_cond: str | None
    join_cond: str | None
    sort_key: tuple[str, ...]
    group_key: tuple[str, ...]
    rows_removed: float | None
    actual_rows: float | None
    loops: float | None
    actual_total_ms: float | None
    shared_hit: int | None
    shared_read: int | None
    temp_read: int | None
    temp_written: int | None
    sort_method: str | None
    sort_space_kb: int | None
    sort_space_type: str | None
    hash_batches: int | None
    children: tuple[Node, ...] = ()
    parallel: bool = False

    @classmethod
    def from_json(cls, obj: Json) -> Node:
        """Read one node of the plan; unknown types and missing keys are fine."""
        removed = [obj[key] for key in _REMOVED if key in obj]
        joined = [f"({obj[key]})" for key in _JOIN_CONDITIONS if key in obj]
        return cls(
            type=str(obj.get("Node Type", "Unknown")),
            relation=obj.get("Relation Name"),
            schema=obj.get("Schema"),
            alias=obj.get("Alias"),
            index=obj.get("Index Name"),
            join_type=obj.get("Join Type"),
            strategy=obj.get("Strategy"),
            relationship=obj.get("Parent Relationship"),
            subplan=obj.get("Subplan Name"),
            startup_cost=float(obj.get("Startup Cost", 0)),
            total_cost=float(obj.get("Total Cost", 0)),
            rows=float(obj.get("Plan Rows", 0)),
            width=int(obj.get("Plan Width", 0)),
            filter=obj.get("Filter"),
            index_cond=obj.get("Index Cond"),
            recheck_cond=obj.get("Recheck Cond"),
            join_cond=" AND ".join(joined) or None,
            sort_key=tuple(obj.get("Sort Key", ())),
            group_key=tuple(obj.get("Group Key", ())),
            rows_removed=float(sum(removed)) if removed else None,
            actual_rows=_number(obj.get("Actual Rows")),
            loops=_number(obj.get("Actual Loops")),
            actual_total_ms=_number(obj.get("Actual Total Time")),
            shared_hit=obj.get("Shared Hit Blocks"),
            shared_read=obj.get("Shared Read Blocks"),
            temp_read=obj.get("Temp Read Blocks"),
            temp_written=obj.get("Temp Written Blocks"),
            sort_method=obj.get("Sort Method"),
            sort_space_kb=obj.get("Sort Space Used"),
            sort_space_type=obj.get("Sort Space Type"),
            hash_batches=obj.get("Hash Batches"),
            children=tuple(cls.from_json(child) for child in obj.get("Plans", ())),
            parallel=bool(obj.get("Parallel Aware", False)),
        )

    @property
    def analysed(self) -> bool:
        """Whether the node carries measured rows."""
        return self.actual_rows is not None

    @property
    def is_scan(self) -> bool:
        """Whether the node reads a table (a bitmap index scan only feeds one)."""
        return self.type in _SCANS and self.relation is not None

    @property
    def hashes_groups(self) -> bool:
        """Whether the node looks up the group of each row in a hash table."""
        return self.type == "Aggregate" and self.strategy in ("Hashed", "Mixed")

    def label(self) -> str:
        """`Seq Scan on bookings`, for people."""
        return f"{self.type} on {self.relation}" if self.relation else self.type

    def walk(self) -> Iterator[Node]:
        """This node and everything below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Visit:
    """A node in its place: how often it runs and which share of its rows is asked for."""

    node: Node
    executions: float
    share: float


@dataclass(frozen=True)
class Finding:
    """One weakness of a plan: its kind, where it is, the figures and a sentence that holds them."""

    kind: str
    node: Node
    numbers: Mapping[str, float]
    text: str


@dataclass(frozen=True)
class Plan:
    """A statement's plan; times are None unless the server reported them."""

    root: Node
    planning_ms: float | None = None
    execution_ms: float | None = None

    @classmethod
    def from_json(cls, obj: Any) -> Plan:
        """Read what EXPLAIN (FORMAT JSON) returned: its text, the list, its one element or a bare node.

        Raises ValueError when there is no plan in it, TooDeep when it has more than DEEPEST nodes below one another.
        """
        if isinstance(obj, (str, bytes)):
            obj = json.loads(obj)
        if isinstance(obj, list):
            obj = obj[0] if obj else None
        if not isinstance(obj, dict):
            raise ValueError("no plan: expected the output of EXPLAIN (FORMAT JSON)")
        node = obj.get("Plan", obj)
        if not isinstance(node, dict) or "Node Type" not in node:
            raise ValueError("no plan: the object has no Node Type")
        if _is_too_deep(node):
            raise TooDeep
        return cls(
            Node.from_json(node), _number(obj.get("Planning Time")), _number(obj.get("Execution Time"))
        )

    @property
    def total_cost(self) -> float:
        """The planner's cost of the whole statement."""
        return self.root.total_cost

    @property
    def analysed(self) -> bool:
        """Whether the plan was executed (EXPLAIN ANALYZE)."""
        return self.root.analysed

    @property
    def buffers(self) -> int:
        """Blocks that an analysed plan read and wrote, those of temporary files too."""
        counts = (self.root.shared_hit, self.root.shared_read, self.root.temp_read, self.root.temp_written)
        return sum(count or 0 for count in counts)

    @property
    def rows_returned(self) -> float:
        """Rows the statement delivers: measured when analysed, else estimated."""
        return self.root.rows if self.root.actual_rows is None else self.root.actual_rows

    def walk(self) -> Iterator[Node]:
        """Every node, parents first."""
        return self.root.walk()

    def visits(self, swell: Callable[[Node], float] = lambda node: 1.0) -> Iterator[Visit]:
        """Every node with the number of its executions and the share of its rows that is fetched.

        `swell` tells how many times more rows than expected a node gives.
        """
        return _visits(Visit(self.root, 1.0, 1.0), swell)

    def scans(self) -> tuple[Node, ...]:
        """The nodes that read a table."""
        return tuple(node for node in self.walk() if node.is_scan)

    def indexes_used(self) -> frozenset[str]:
        """Names of all indexes in the plan."""
        return frozenset(node.index for node in self.walk() if node.index is not None)

    def rows_examined(self, table_rows: Mapping[str, float] | None = None) -> float:
        """Rows all scans read, against `rows_returned`.

        Measured rows plus removed rows when analysed. Otherwise a sequential scan reads the table:
        `table_rows` gives its rows by name or `schema.name`; without an entry its estimated result counts.
        """
        known = table_rows or {}
        return sum(examined(visit, known) for visit in self.visits() if visit.node.is_scan)

    def fingerprint(self) -> str:
        """16 hexadecimal digits for the structure: node types, tables, indexes, joins, but no figures."""
        import hashlib  # the tuner asks for it, an analysis does not

        return hashlib.sha256(json.dumps(_structure(self.root)).encode()).hexdigest()[:16]

    def summary(self, top: int = 5) -> Json:
        """A jsonable digest: totals and the `top` nodes by their own share (0..1) of the cost."""
        own = sorted(_own_costs(Visit(self.root, 1.0, 1.0)), key=lambda pair: -pair[1])[:top]
        whole = max(self.total_cost, 1e-9)
        return {
            "total_cost": self.total_cost,
            "rows_returned": self.rows_returned,
            "execution_ms": self.execution_ms,
            "fingerprint": self.fingerprint(),
            "nodes": [
                {
                    "node": node.label(),
                    "index": node.index,
                    "total_cost": node.total_cost,
                    "cost_share": round(min(cost / whole, 1.0), 4),
                    "rows": node.rows,
                    "actual_rows": node.actual_rows,
                    "loops": node.loops,
                    "filter": node.filter,
                }
                for node, cost in own
            ],
        }

    def findings(
        self, table_rows: Mapping[str, float] | None = None, work_mem_bytes: int = 4 * 1024 * 1024
    ) -> list[Finding]:
        """What is likely to hurt, in plan order; `table_rows` as in `rows_examined`."""
        from wedding_dbopt.plan_findings import findings

        return findings(self, table_rows or {}, work_mem_bytes)


def _is_too_deep(node: Json) -> bool:
    level = [node]
    for _ in range(DEEPEST):
        level = [child for parent in level for child in parent.get("Plans", ())]
        if not level:
            return False
    return True


def base_rows(node: Node, table_rows: Mapping[str, float]) -> float | None:
    """Rows of the node's table by `schema.name` or by name; None when unknown or never analysed."""
    rows = table_rows.get(f"{node.schema}.{node.relation}", table_rows.get(str(node.relation)))
    return rows if rows is not None and rows >= 0 else None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _children(
    node: Node, executions: float, share: float, swell: Callable[[Node], float] = lambda node: 1.0
) -> Iterator[Visit]:
    for position, child in enumerate(node.children):
        times, part = executions, 1.0 if node.type in _BLOCKING else share
        if node.type == "Aggregate" and node.strategy != "Sorted":
            part = 1.0
        if node.type == "Limit" and child.rows > 0:
            part = min(1.0, node.rows / child.rows)
        if node.type == "Nested Loop" and position > 0 and child.type not in _ONCE:
            outer = node.children[0]
            times, part = executions * max(outer.rows * swell(outer) * share, 1.0), 1.0
        elif child.relationship == "SubPlan" and not (child.subplan or "").startswith("CTE"):
            times = executions * max(node.rows, 1.0)
        yield Visit(child, times, part)


def _visits(visit: Visit, swell: Callable[[Node], float]) -> Iterator[Visit]:
    yield visit
    for child in _children(visit.node, visit.executions, visit.share, swell):
        yield from _visits(child, swell)


def examined(visit: Visit, table_rows: Mapping[str, float]) -> float:
    node = visit.node
    if node.actual_rows is not None:
        return (node.actual_rows + (node.rows_removed or 0.0)) * (node.loops or 0.0)
    rows = node.rows
    if node.type == "Seq Scan":
        rows = max(base_rows(node, table_rows) or 0.0, rows)
    elif node.type == "Bitmap Heap Scan" and node.children:
        rows = max(node.children[0].rows, rows)
    return rows * visit.executions * visit.share


def _structure(node: Node) -> list[Any]:
    below = [_structure(child) for child in node.children]
    return [node.type, node.schema, node.relation, node.index, node.join_type, node.strategy, below]


def _own_costs(visit: Visit) -> Iterator[tuple[Node, float]]:
    below = 0.0
    for child in _children(visit.node, visit.executions, visit.share):
        below += child.node.total_cost * child.executions * child.share
        yield from _own_costs(child)
    yield visit.node, max(visit.node.total_cost * visit.executions * visit.share - below, 0.0)
