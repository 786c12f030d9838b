"""What a plan with stand-ins would cost with the indexes of several conditions that they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..plan import Node, Plan

_HYPOTHETICAL = re.compile(r"^<(\d+)>")


def oid_of(node: Node) -> int | None:
    """The oid of the hypothetical index that a node uses."""
    match = _HYPOTHETICAL.match(node.index or "")
    return int(match.group(1)) if match is not None else None


@dataclass(frozen=True)
class Read:
    """How much of what a stand-in reads its index would: the share of rows and of bytes; `names` are the columns asked."""

    rows: float
    part: float
    names: tuple[str, ...]

    def left(self, node: Node) -> float:
        """The share of a scan's cost that the index would have: of an index-only scan about half is for pages."""
        return min((self.rows + self.part) / 2 if node.type == "Index Only Scan" else self.rows, 1.0)

    def fits(self, node: Node) -> bool:
        """Whether a scan asks what the index's predicate says."""
        return all(name in f"{node.filter} {node.index_cond} {node.recheck_cond}" for name in self.names)


def misplaced(plan: Plan, stand_ins: Mapping[int, Read]) -> Iterator[int]:
    """The stand-ins that serve a scan which does not ask what their index's predicate says."""
    for node in plan.walk() if stand_ins else ():
        read = stand_ins.get(oid_of(node) or 0)
        if read is not None and node.type != "Bitmap Index Scan" and not read.fits(node):
            yield oid_of(node) or 0


def in_vain(node: Node, stand_ins: Mapping[int, Read]) -> float:
    """What the stand-ins cost more in one run of a node than their indexes would."""
    read = stand_ins.get(oid_of(node) or 0)
    if read is not None:
        return node.total_cost * (1.0 - read.left(node))
    total = 0.0
    for number, child in enumerate(node.children):
        counted = child.total_cost
        if number and node.type == "Nested Loop":
            outer = node.children[0]
            # Of repeated runs the planner charges less than their number times one.
            counted = min(max(node.total_cost - outer.total_cost, 0.0), outer.rows * counted)
        counted = min(counted, node.total_cost)
        total += in_vain(child, stand_ins) * counted / max(child.total_cost, 1e-6)
    return total
