"""Statements run as another role: inside a SECURITY DEFINER function that belongs to it.

There the server refuses RESET ROLE, SET ROLE and SET SESSION AUTHORIZATION, so code that a statement brings along runs
with its role's rights or not at all. Such code may also turn against the function itself, which its role owns, and
whatever it plants stays in the session until the subtransaction ends. Hence two kinds: a function that only reads serves
any number of calls, each in a read-only subtransaction of its own that is rolled back, because before PostgreSQL 16 code
inside may RESET the read-only state; one that may write is made under a name nobody can know, called once and dropped
by the rollback around it. (A SET clause of the function cannot say read-only: newer versions refuse that.)
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from wedding_dbopt.database import QUERY_CANCELED, Database, DatabaseError, Row, StatementCancelled

#: The search_path of statements that are ours.
OWN_PATH = "pg_catalog, pg_temp"
_PATH_ENTRY = re.compile(r'"((?:[^"]|"")+)"|([^\s,"]+)')


def schemas(search_path: str, role: str) -> list[str]:
    """The schemas that a search_path names for a role, quotes taken off and "$user" filled in."""
    names = [
        quoted.replace('""', '"') if quoted else plain for quoted, plain in _PATH_ENTRY.findall(search_path)
    ]
    return [role if name == "$user" else name for name in names]


def literal(value: object) -> str:
    """A value as an SQL string constant; the functions pin standard_conforming_strings."""
    return "'" + str(value).replace("'", "''") + "'"


class RoleFunctions:
    """Makes and calls the functions. A role is a Row with `rolname`, `quoted` and `search_path`.

    Code of another role can raise the error of a cancel. With `contained` it is a failure of that code, as DatabaseError.
    """

    def __init__(self, database: Database, me: str, contained: bool = False) -> None:
        self._database = database
        self._me = me
        self._contained = contained
        self._readers: dict[str, str] = {}

    def prepare(self, role: Row) -> None:
        """Make the role's reading function now, so that later rollbacks keep it."""
        name = str(role["rolname"])
        if name not in self._readers:
            self._readers[name] = self._make(role)

    def read(self, role: Row, *, setup: str = "", result: str = "", path: str | None = None) -> str | None:
        """Run `setup`, then `result`, and return the first column of its first row; nothing that is written stays."""
        self.prepare(role)
        with self._database.rolled_back():
            self._database.query("set local transaction_read_only = on")
            return self._call(self._readers[str(role["rolname"])], role, setup, result, path)

    def write_once(
        self, role: Row, *, setup: str = "", result: str = "", path: str | None = None
    ) -> str | None:
        """The same in a fresh function that may write; the caller rolls it back."""
        return self._call(self._make(role), role, setup, result, path)

    def _call(self, function: str, role: Row, setup: str, result: str, path: str | None) -> str | None:
        own = str(role["search_path"] or '""')
        try:
            rows = self._database.query(
                f"select {function}($1, $2, $3) as found",
                ["text", "text", "text"],
                [setup, result, path or f"{own}, pg_temp"],
            )
        except StatementCancelled as error:
            if self._contained and role["rolname"] != self._me:
                raise DatabaseError(str(error), QUERY_CANCELED) from error
            raise
        found = rows[0]["found"]
        return None if found is None else str(found)

    def _make(self, role: Row) -> str:
        """A cursor takes one statement only. What the body sets, the path too, ends with the call."""
        function = f"pg_temp.wedding_dbopt_{os.urandom(12).hex()}"
        self._database.query(
            f"""create function {function}(setup text, result text, path text) returns text
            language plpgsql security definer
            set search_path = pg_catalog, pg_temp set standard_conforming_strings = on
            set lock_timeout = '500ms' set plan_cache_mode = force_generic_plan set jit = off as $body$
            declare
              result_cursor refcursor;
              found text;
            begin
              perform pg_catalog.set_config('search_path', path, true);
              if setup operator(pg_catalog.<>) '' then execute setup; end if;
              if result operator(pg_catalog.<>) '' then
                open result_cursor for execute result;
                fetch result_cursor into found;
                close result_cursor;
              end if;
              return found;
            end $body$"""
        )
        if role["rolname"] != self._me:
            self._database.query(f"alter function {function}(text, text, text) owner to {role['quoted']}")
        return function


class ReaderAs:
    """A Database whose statements, ours, run as a role, each in a fresh function; at most one row comes back."""

    def __init__(self, database: Database, functions: RoleFunctions, role: Row) -> None:
        self._database = database
        self._functions = functions
        self._role = role

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[Row]:
        parameters = [f"{literal(value)}::{kind}" for kind, value in zip(types, values)]
        text = _filled(sql, parameters)
        verb = text.split(maxsplit=1)[0].upper()
        if verb == "EXPLAIN":
            return [{"plan": self._functions.write_once(self._role, result=text, path=OWN_PATH)}]
        if verb != "SELECT":
            self._functions.write_once(self._role, setup=text, path=OWN_PATH)
            return []
        row = f"select row_to_json(q)::text from ({text}) q"
        found = self._functions.write_once(self._role, result=row, path=OWN_PATH)
        return [] if found is None else [dict(json.loads(found))]

    def rolled_back(self) -> AbstractContextManager[None]:
        return self._database.rolled_back()

    def subtransaction(self) -> AbstractContextManager[None]:
        return self._database.subtransaction()

    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        return self._database.time_limit(seconds)

    def commit(self) -> None:
        self._database.commit()

    def warn(
        self, message: str, sqlstate: str | None = None, detail: str | None = None, hint: str | None = None
    ) -> None:
        self._database.warn(message, sqlstate, detail, hint)


def _filled(sql: str, parameters: Sequence[str]) -> str:
    """The text with `$n` replaced, each place once; a number beyond the parameters is text."""
    pieces = sql.split("$")
    text = pieces[0]
    for piece in pieces[1:]:
        digits = len(piece) - len(piece.lstrip("0123456789"))
        filled = digits > 0 and 0 < int(piece[:digits]) <= len(parameters)
        text += parameters[int(piece[:digits]) - 1] + piece[digits:] if filled else "$" + piece
    return text
