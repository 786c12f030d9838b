"""What a random statement returns, as it is and rewritten, and whether that is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.pq import ExecStatus

from tests.bench.measure import Session as Connection
from tests.bench.random_statements import Statement

#: Other plans of the same statement: what is computed before what is the planner's choice.
OTHER_PLANS = (
    ("enable_hashjoin",), ("enable_hashjoin", "enable_mergejoin"), ("enable_nestloop",), ("enable_hashagg", "enable_sort"),
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What a statement returned: column names and types, rows, or the SQLSTATE."""

    columns: tuple[tuple[bytes, int, int], ...]
    rows: tuple[tuple[bytes | None, ...], ...]
    sqlstate: str | None = None


def result_of(connection: Connection, text: str) -> Result:
    """Run a text as it is; values as the server writes them."""
    answer = connection.pgconn.exec_(text.encode())
    if answer.status != ExecStatus.TUPLES_OK:
        state = answer.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
        return Result((), (), state.decode() if state else "?")
    columns = tuple((answer.fname(n) or b"", answer.ftype(n), answer.fmod(n)) for n in range(answer.nfields))
    rows = tuple(
        tuple(answer.get_value(row, n) for n in range(answer.nfields)) for row in range(answer.ntuples)
    )
    return Result(columns, rows)


def results_of(connection: Connection, statement: Statement, text: str) -> list[Result]:
    """Run a text as the statement it stands for: with each set of constants, rolled back where it writes."""
    if statement.written is not None:
        connection.execute("begin")
    try:
        if not statement.types:
            found = [result_of(connection, text)]
        else:
            found = _prepared(connection, statement, text)
        if statement.written is not None and all(result.sqlstate is None for result in found):
            left = f'select md5(string_agg(t::text, chr(10) order by t::text)) from "{statement.written}" t'
            found.append(result_of(connection, left))
        return found
    finally:
        if statement.written is not None:
            connection.execute("rollback")


def _prepared(connection: Connection, statement: Statement, text: str) -> list[Result]:
    """What a prepared statement infers of its parameters, and what it returns with each set of constants."""
    connection.pgconn.exec_(b"deallocate tried")  # one whose transaction failed is still there
    failed = connection.pgconn.exec_(f"prepare tried ({', '.join(statement.types)}) as {text}".encode())
    if failed.status != ExecStatus.COMMAND_OK:
        state = failed.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
        return [Result((), (), state.decode() if state else "?")]
    found = [
        result_of(connection, "select parameter_types::text from pg_prepared_statements where name = 'tried'")
    ]
    # A failed set would end the transaction that is to be rolled back, so a statement that writes gets one.
    for values in statement.values[: 1 if statement.written is not None else None]:
        found.append(result_of(connection, f"execute tried ({', '.join(values)})"))
    return found


def differences(before: Sequence[Result], after: Sequence[Result], ordered: bool) -> str | None:
    """The first difference; where preparing failed before, nothing counts."""
    if any(result.sqlstate is not None for result in before[:1]):
        return None
    if len(after) < len(before):
        return f"fails with {next(result.sqlstate for result in after if result.sqlstate is not None)}"
    found = (difference(first, second, ordered) for first, second in zip(before, after))
    return next((wrong for wrong in found if wrong is not None), None)


def difference(before: Result, after: Result, ordered: bool) -> str | None:
    """What is not the same; an error of the original excuses everything."""
    if before.sqlstate is not None:
        return None
    if after.sqlstate is not None:
        return f"fails with {after.sqlstate}"
    if before.columns != after.columns:
        return f"columns {before.columns} became {after.columns}"
    if Counter(before.rows) != Counter(after.rows):
        lost = list((Counter(before.rows) - Counter(after.rows)).elements())[:2]
        added = list((Counter(after.rows) - Counter(before.rows)).elements())[:2]
        return f"loses {lost}, adds {added}"
    return "the order differs" if ordered and before.rows != after.rows else None


def is_open(
    connection: Connection, statement: Statement, tables: Sequence[str], known: Sequence[Result]
) -> bool:
    """Whether the statement itself leaves its result open: other rows when the tables' rows lie in another order.

    Which of two equal values that are written differently comes out of max() or DISTINCT is decided by nobody.
    """
    for order in ("t::text desc", "md5(t::text)"):
        with connection.transaction(force_rollback=True):
            for table in tables:
                connection.execute(
                    f'create temp table "{table}" as select * from "{table}" t order by {order}'.encode()
                )
            again = (
                [result_of(connection, statement.text)]
                if not statement.types
                else _prepared(connection, statement, statement.text)
            )
        if all(result.sqlstate is None for result in again) and differences(known, again, statement.ordered):
            return True
    return False


def fails_otherwise(connection: Connection, statement: Statement) -> bool:
    """Whether the original itself fails under another plan: then whether it fails is decided by nobody."""
    for settings in OTHER_PLANS:
        for name in settings:
            connection.execute(f"set {name} = off".encode())
        results = results_of(connection, statement, statement.text)
        failed = any(result.sqlstate is not None for result in results)
        for name in settings:
            connection.execute(f"reset {name}".encode())
        if failed:
            return True
    return False
