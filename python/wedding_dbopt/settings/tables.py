"""The figures that the advisers of tables share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wedding_dbopt.settings.advice import Affected, Target
from wedding_dbopt.settings.figures import Server


@dataclass(frozen=True)
class Table:
    """A table of the user: what it holds, what its options say, and what was done to it in the window.

    `name` is schema and table, quoted as needed. Counts are rows; `updates_beside_indexes` is the share of the window's
    updates that set no indexed column, None when the statements are not known. `xid_share` is its age in transactions
    as a share of autovacuum_freeze_max_age.
    """

    relid: int
    name: str
    schema: str
    table: str
    pages: int
    tuples: float
    live: int
    dead: int
    options: Mapping[str, str] = field(default_factory=dict)
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    hot_updated: int = 0
    most_dead: int = 0
    indexes: int = 0
    updates_beside_indexes: float | None = None
    xid_share: float = 0.0
    hours: float = 0.0
    affected: tuple[Affected, ...] = ()

    @property
    def target(self) -> Target:
        return Target("table", self.table, self.schema, self.table)

    @property
    def bytes(self) -> int:
        return self.pages * 8192

    def option(self, name: str, server: Server) -> float:
        """The table's own value of an autovacuum parameter, else the server's."""
        if name in self.options:
            return float(self.options[name])
        parameter = server.parameter(name)
        return parameter.number if parameter is not None else 0.0


def set_options(table: Table, values: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The statement that sets options of a table, and the one that puts each back as it was."""
    assigned = ", ".join(f"{name} = {value}" for name, value in values.items())
    old = {name: table.options[name] for name in values if name in table.options}
    new = [name for name in values if name not in table.options]
    steps = [f"reset ({', '.join(new)})"] if new else []
    if old:
        steps.append(f"set ({', '.join(f'{name} = {value}' for name, value in old.items())})")
    return (
        (f"alter table {table.name} set ({assigned})",),
        (f"alter table {table.name} {', '.join(steps)}",),
    )


SETS_OPTIONS = (
    "SHARE UPDATE EXCLUSIVE on {0}, for a moment: reads and writes go on, DDL and VACUUM of it wait"
)
