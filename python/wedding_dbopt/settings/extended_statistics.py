"""What advice on extended statistics has in common: the statements, their undo, the locks and the name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Protocol

from wedding_dbopt.settings.advice import Advice, Affected, Target, quoted

KIND = "statistics"
_NAME_LENGTH = 40


class Columns(Protocol):
    """Columns of a table that statistics shall be kept of, and the statements that pay for the lack of them."""

    @property
    def schema(self) -> str: ...
    @property
    def table(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def affected(self) -> tuple[Affected, ...]: ...


def extended(
    item: Columns, rule: str, kinds: str, evidence: Mapping[str, float], reason: str, *, apart: str = ""
) -> Advice:
    """CREATE STATISTICS of some kinds; `apart` keeps its name from that of other kinds on the same columns."""
    name = _name(item, apart)
    table = f"{quoted(item.schema)}.{quoted(item.table)}"
    whole = f"{quoted(item.schema)}.{quoted(name)}"
    columns = ", ".join(map(quoted, item.columns))
    return Advice(
        kind=KIND,
        rule=rule,
        target=Target("statistics", name, item.schema, item.table),
        sql=(f"CREATE STATISTICS {whole} ({kinds}) ON {columns} FROM {table}",),
        rollback_sql=(f"DROP STATISTICS IF EXISTS {whole}",),
        locks=f"SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait",
        level="moderate",
        basis="a sample of the table; what better estimates bring is not known before the plans",
        affected=item.affected,
        evidence=evidence,
        reason=reason,
    )


def _name(item: Columns, apart: str) -> str:
    words = (*filter(None, [apart]), item.schema, item.table, *item.columns)
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]
    readable = re.sub(r"[^a-z0-9]+", "_", "_".join((item.table, *item.columns)).lower()).strip("_")
    return f"wd_{readable[:_NAME_LENGTH]}_{digest}"
