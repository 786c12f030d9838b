"""Indexes of a partition beside one of the whole, which makes the same one on the partition too.

A search prices a statement on a partition with indexes of that partition alone. Where one of the whole is chosen for other
statements, it serves that statement as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..catalog import Catalog
from ..query import Table
from .recommendation import Recommendation


def without_twins(found: Sequence[Recommendation], catalog: Catalog) -> list[Recommendation]:
    """The recommendations without those of a partition that one of the whole covers; that one tells whom it serves there."""
    twins = {part.name: whole for part in found if (whole := _whole_of(part, found, catalog)) is not None}
    kept = []
    for item in found:
        if item.name in twins:
            continue
        parts = [part for part in found if twins.get(part.name) is item]
        kept.append(_merged(item, parts) if parts else item)
    return kept


def _whole_of(
    part: Recommendation, found: Sequence[Recommendation], catalog: Catalog
) -> Recommendation | None:
    """The widest table's recommendation that gives a partition what its own would."""
    wholes = []
    for item in found:
        moved = replace(part.index, schema=item.index.schema, table=item.index.table)
        holds = item.index == moved or item.index.extends(moved)
        if holds and _is_part(part.index.place, item.index.place, catalog):
            wholes.append(item)
    return max(wholes, key=lambda item: item.estimated_bytes, default=None)


def _is_part(part: tuple[str, str], whole: tuple[str, str], catalog: Catalog) -> bool:
    below = catalog.relation(Table(*part, ""))
    above = catalog.relation(Table(*whole, ""))
    if below is None or above is None or part == whole:
        return False
    return below.root == whole or (bool(above.leaves) and set(below.holders) <= set(above.leaves))


def _merged(whole: Recommendation, parts: Sequence[Recommendation]) -> Recommendation:
    """The index of the whole with what those of the parts would have brought."""
    tables = ", ".join(part.index.table for part in parts)
    return replace(
        whole,
        benefits=(*whole.benefits, *(benefit for part in parts for benefit in part.benefits)),
        total_benefit_ms=whole.total_benefit_ms + sum(part.total_benefit_ms for part in parts),
        reason=f"{whole.reason} It gives each partition one, which also serves what asks {tables} alone.",
    )
