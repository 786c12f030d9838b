"""What a statement would read of the partitions that are proposed: planned over empty ones, which are rolled back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from wedding_dbopt.database import Database, DatabaseError
from wedding_dbopt.rewrite.proposals import Proposal

_TABLE = "pg_temp.wedding_dbopt_parts"


def with_pruning(database: Database, proposal: Proposal) -> Proposal:
    """The proposal with the number of partitions that the planner reads, unless the caller may make no temporary tables.

    The partitions hold nothing but the key, so no code of a user runs.
    """
    numbers = proposal.numbers
    if proposal.kind != "partitioning":
        return proposal
    kind = str(numbers["type"])
    tests = [
        f"part_key {sign} '{day}'::{kind}"
        for sign, day in ((">=", numbers["from"]), ("<=", numbers["until"]))
        if day
    ]
    try:
        with database.rolled_back():
            database.query(
                f"create temporary table wedding_dbopt_parts (part_key {kind}) partition by range (part_key)"
            )
            for year in range(int(numbers["first_year"]), int(numbers["last_year"]) + 1):
                bounds = f"from ('{year}-01-01') to ('{year + 1}-01-01')"
                database.query(
                    f"create temporary table wedding_dbopt_{year} partition of {_TABLE} for values {bounds}"
                )
            database.query(f"create temporary table wedding_dbopt_rest partition of {_TABLE} default")
            plan = database.query(f"explain (format json) select from {_TABLE} where {' and '.join(tests)}")
    except DatabaseError:
        return proposal
    read = _scans(json.loads(plan[0]["QUERY PLAN"])[0]["Plan"])
    reason = (
        f"{proposal.reason} Planned over such partitions, its range reads {read} of {numbers['partitions']}."
    )
    return replace(proposal, reason=reason, numbers={**numbers, "partitions_read": read})


def _scans(node: dict[str, Any]) -> int:
    return int("Relation Name" in node) + sum(_scans(child) for child in node.get("Plans", ()))
