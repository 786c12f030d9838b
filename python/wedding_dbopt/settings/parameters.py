"""Parameters of the server: what they are now at each scope, and the SQL that sets one and undoes it exactly.

The narrowest scope is tried first: function, role, database, then the whole server by ALTER SYSTEM and a reload. What
needs a restart is listed and never set. What the command line says, ALTER SYSTEM cannot change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wedding_dbopt.settings.advice import Target, literal, quoted

_UNITS = {"B": 1, "kB": 1024, "8kB": 8192, "MB": 2**20, "GB": 2**30}
RELOAD = "select pg_catalog.pg_reload_conf()"


@dataclass(frozen=True)
class Parameter:
    """`value` is the server's, in `unit`; `auto_value` stands in postgresql.auto.conf, `database_value` in the database.

    `role_values` has what roles set for themselves, in this database or everywhere.
    """

    name: str
    value: str
    unit: str | None = None
    context: str = "user"
    source: str = "default"
    auto_value: str | None = None
    database_value: str | None = None
    role_values: Mapping[str, str] = field(default_factory=dict)
    pending_restart: bool = False

    @property
    def bytes(self) -> int:
        """The server's value in bytes; for parameters with a unit of memory."""
        return int(float(self.value) * _UNITS[self.unit or "B"])

    @property
    def number(self) -> float:
        return float(self.value)

    @property
    def reloadable(self) -> bool:
        """Whether ALTER SYSTEM and a reload change it: no restart needed, and the command line does not fix it."""
        return self.context in ("sighup", "superuser", "user", "backend") and self.source not in (
            "command line",
            "environment variable",
            "override",
        )

    @property
    def per_session(self) -> bool:
        """Whether a role, a database or a function may have a value of its own."""
        return self.context in ("superuser", "user")


def in_bytes(text: str) -> int:
    """A value with a unit, as ALTER ROLE stores it: 64MB, 4096 (kB)."""
    text = text.strip()
    digits = text.rstrip("kMGTB ")
    unit = text[len(digits) :].strip() or "kB"
    return int(float(digits) * {**_UNITS, "TB": 2**40}[unit])


@dataclass(frozen=True)
class Change:
    """Where and how a parameter is set: the target, the steps, the steps that undo them, and whom that locks out."""

    target: Target
    sql: tuple[str, ...]
    rollback_sql: tuple[str, ...]
    locks: str


_NO_LOCK = "none on tables: only the row of the catalogue"


def for_function(parameter: Parameter, signature: str, schema: str, value: str, old: str | None) -> Change:
    """`signature` is the function as regprocedure shows it, `old` what it sets now."""
    back = _assigned(parameter.name, old) if old is not None else f"reset {parameter.name}"
    return Change(
        Target("function", signature, schema),
        (f"alter function {signature} {_assigned(parameter.name, value)}",),
        (f"alter function {signature} {back}",),
        _NO_LOCK,
    )


def for_role(parameter: Parameter, role: str, database: str, value: str, old: str | None) -> Change:
    """The role in this database; sessions begun afterwards have the value. `old` is the role's own there."""
    place = f"alter role {quoted(role)} in database {quoted(database)}"
    back = _assigned(parameter.name, old) if old is not None else f"reset {parameter.name}"
    return Change(
        Target("role", role),
        (f"{place} {_assigned(parameter.name, value)}",),
        (f"{place} {back}",),
        _NO_LOCK,
    )


def for_database(parameter: Parameter, database: str, value: str) -> Change:
    """Everybody in this database who has no value of his own; sessions begun afterwards have it."""
    place = f"alter database {quoted(database)}"
    old = parameter.database_value
    back = _assigned(parameter.name, old) if old is not None else f"reset {parameter.name}"
    return Change(
        Target("database", database),
        (f"{place} {_assigned(parameter.name, value)}",),
        (f"{place} {back}",),
        _NO_LOCK,
    )


def for_system(parameter: Parameter, value: str) -> Change:
    """The whole server, at the reload. Raises ValueError for what a reload does not change."""
    if not parameter.reloadable:
        raise ValueError(f"{parameter.name} cannot be set by a reload")
    old = parameter.auto_value
    back = _assigned(parameter.name, old) if old is not None else f"reset {parameter.name}"
    return Change(
        Target("system"),
        (f"alter system {_assigned(parameter.name, value)}", RELOAD),
        (f"alter system {back}", RELOAD),
        "none: the file postgresql.auto.conf is written and read again",
    )


def _assigned(name: str, value: str) -> str:
    return f"set {name} = {literal(value)}"


def narrowest(parameter: Parameter, database: str, value: str) -> Change | None:
    """The database if the parameter may differ there, else the server by a reload, else None."""
    if parameter.per_session:
        return for_database(parameter, database, value)
    return for_system(parameter, value) if parameter.reloadable else None
