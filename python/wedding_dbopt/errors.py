"""Every failure the extension reports: one class each, with SQLSTATE, detail and hint.

The SQLSTATE class ``WD`` belongs to this extension. PostgREST answers it with HTTP status 400.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class DboptError(Exception):
    """Base of all reported failures; `str(error)` is the message the client sees."""

    sqlstate = "WD000"
    default_hint: str | None = None

    def __init__(self, message: str, *, detail: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail
        self.hint = hint if hint is not None else self.default_hint


class QueryRequired(DboptError):
    """The caller gave no statement."""

    sqlstate = "WD001"
    default_hint = "Pass one SELECT, INSERT, UPDATE, DELETE or MERGE statement."

    def __init__(self) -> None:
        super().__init__("Query is required")


class MultipleStatements(DboptError):
    """The text holds more than one statement."""

    sqlstate = "WD002"
    default_hint = "Analyse one statement at a time; a semicolon inside a string is fine."


class UnparsableQuery(DboptError):
    """The text is not SQL that the parser understands."""

    sqlstate = "WD003"
    default_hint = "Check the statement with EXPLAIN in psql first."


class UnsupportedStatement(DboptError):
    """The statement is valid but is none that has a plan (DDL, SET, COPY ...)."""

    sqlstate = "WD004"
    default_hint = "Only SELECT, INSERT, UPDATE, DELETE and MERGE can be analysed."


class UnplannableQuery(DboptError):
    """PostgreSQL refused to plan the statement; the detail carries its own message."""

    sqlstate = "WD005"


class UnsafeQuery(DboptError):
    """Planning would run code of a role that is not trusted."""

    sqlstate = "WD006"
    default_hint = "Call analyze_query as the role that runs this statement."


class TooDeep(DboptError):
    """A statement or its plan is nested deeper than Python's stack reaches."""

    sqlstate = "54001"
    default_hint = "Split the statement."

    def __init__(self) -> None:
        super().__init__("The statement is nested too deeply to be analysed")


class InvalidArgument(DboptError):
    """An argument has a value outside its documented set."""

    sqlstate = "22023"


class MissingExtension(DboptError):
    """An optional extension is needed for this call."""

    sqlstate = "WD007"


class NotPermitted(DboptError):
    """The caller lacks the right that this call needs."""

    sqlstate = "42501"


class InsideTransaction(DboptError):
    """A procedure that commits between its steps was called where it cannot."""

    sqlstate = "2D000"
    default_hint = "Call it on its own: not between BEGIN and COMMIT, and not from a function."

    def __init__(self) -> None:
        super().__init__("A procedure that commits between its steps cannot run inside a transaction")


class ExecutorUnavailable(DboptError):
    """The extension's own connection could not be made."""

    sqlstate = "WD008"
    default_hint = "Set the setting executor_dsn to a connection string of the extension's owner."


class ActionFailed(DboptError):
    """A statement of an action failed; carries the server's SQLSTATE."""

    sqlstate = "WD009"

    def __init__(
        self, message: str, *, server_sqlstate: str | None, detail: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, detail=detail, hint=hint)
        self.server_sqlstate = server_sqlstate


def stack_bound(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let what follows a statement's nesting raise TooDeep where the stack ends, so that it costs this statement only."""

    @functools.wraps(function)
    def wrapper(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        try:
            return function(*arguments, **named)
        except RecursionError as error:
            raise TooDeep from error

    return wrapper
