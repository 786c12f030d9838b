"""The definition of one index: hashable, ordered, with its DDL and a generated name."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from .terms import Term, qualified, quoted

_NAME_BYTES = 63


@dataclass(frozen=True, order=True)
class Key:
    """One key of an index. The defaults are PostgreSQL's: ascending, nulls last; descending, nulls first."""

    term: Term
    descending: bool = False
    nulls_first: bool = False
    opclass: str | None = None

    @property
    def column(self) -> str | None:
        """The plain column, None for an expression."""
        return self.term.column

    @property
    def expression(self) -> str | None:
        """The expression's text, None for a plain column."""
        return None if self.term.column is not None else self.term.sql

    def sql(self) -> str:
        """The key as CREATE INDEX writes it."""
        parts = [self.term.sql]
        if self.opclass is not None:
            parts.append(self.opclass)
        if self.descending:
            parts.append("DESC")
        if self.nulls_first != self.descending:
            parts.append("NULLS FIRST" if self.nulls_first else "NULLS LAST")
        return " ".join(parts)

    def reversed(self) -> Key:
        """The same key read backwards."""
        return Key(self.term, not self.descending, not self.nulls_first, self.opclass)


@dataclass(frozen=True)
class IndexDef:
    """An index that could exist: `columns` are its keys, `include` plain columns, `where` its predicate.

    `fraction` is the share of the table's rows that a partial index holds; it is no part of the identity. Where no single value
    of a column is the predicate, `joint` are its conditions. `guessed` tells that no statistics know the fraction.
    """

    schema: str
    table: str
    columns: tuple[Key, ...]
    include: tuple[str, ...] = ()
    method: str = "btree"
    where: str | None = None
    fraction: float = field(default=1.0, compare=False)
    joint: tuple[str, ...] = field(default=(), compare=False)
    guessed: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        # Searches look millions of them up.
        facts = (self.schema, self.table, self.columns, self.include, self.method, self.where)
        object.__setattr__(self, "_hash", hash(facts))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]

    def create_sql(self, name: str | None = None, *, concurrently: bool = False) -> str:
        """CREATE INDEX; without a name the generated one, so the text is complete either way."""
        verb = "CREATE INDEX CONCURRENTLY" if concurrently else "CREATE INDEX"
        return f"{verb} {quoted(name or self.name())} ON {self._body}"

    def packed_sql(self) -> str:
        """CREATE INDEX for HypoPG, which takes every index for too large: nothing is left free, so the error is less."""
        if self.method != "btree":
            return self.create_sql()
        where = f" WHERE {self.where}" if self.where is not None else ""
        return f"CREATE INDEX {quoted(self.name())} ON {self._head} WITH (fillfactor = 100){where}"

    def drop_sql(self, name: str | None = None, *, concurrently: bool = False) -> str:
        """DROP INDEX of the same name."""
        verb = "DROP INDEX CONCURRENTLY" if concurrently else "DROP INDEX"
        return f"{verb} {qualified(self.schema, name or self.name())}"

    def name(self, number: int = 1) -> str:
        """At most 63 bytes: readable parts and a hash of the definition, so that no two share a name.

        Where something else bears it, the next `number` gives another one.
        """
        told = self._body if number == 1 else f"{self._body} {number}"
        digest = hashlib.sha256(told.encode()).hexdigest()[:8]
        words = [self.table] + [key.column or "_".join(key.term.columns) for key in self.columns]
        readable = re.sub(r"[^a-z0-9]+", "_", "_".join(words).lower()).strip("_")
        return f"wd_{readable[: _NAME_BYTES - len(digest) - 4]}_{digest}"

    def extends(self, other: IndexDef) -> bool:
        """Whether this index can do all that `other` does: same keys first, nothing included lost."""
        return self.table == other.table and _extends(self, other)

    def order_key(self) -> tuple[str, str]:
        """A total order over definitions, so that equal choices are made the same way every time."""
        return (self.table, self._body)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that its predicate is made of."""
        return self.joint or ((self.where,) if self.where is not None else ())

    @property
    def place(self) -> tuple[str, str]:
        """Schema and name of its table."""
        return (self.schema, self.table)

    @property
    def table_sql(self) -> str:
        """The quoted name of its table."""
        return qualified(self.schema, self.table)

    @cached_property
    def _body(self) -> str:
        return self._head + (f" WHERE {self.where}" if self.where is not None else "")

    @cached_property
    def _head(self) -> str:
        keys = ", ".join(key.sql() for key in self.columns)
        text = f"{self.table_sql} USING {self.method} ({keys})"
        if self.include:
            text += f" INCLUDE ({', '.join(quoted(column) for column in self.include)})"
        return text


#: Indexes that are there together.
Config = frozenset[IndexDef]


@lru_cache(maxsize=100_000)
def _extends(wide: IndexDef, narrow: IndexDef) -> bool:
    same = (wide.schema, wide.table, wide.method) == (narrow.schema, narrow.table, narrow.method)
    if not same or wide.where != narrow.where or wide == narrow:
        return False
    head = wide.columns[: len(narrow.columns)]
    if head != narrow.columns and head != tuple(key.reversed() for key in narrow.columns):
        return False
    held = {key.column for key in wide.columns} | set(wide.include)
    return held >= set(narrow.include)
