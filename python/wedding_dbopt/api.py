"""One function per SQL wrapper, and the boundary where failures become errors with SQLSTATE, detail and hint."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from wedding_dbopt.database import DatabaseError, SpiDatabase, StatementCancelled
from wedding_dbopt.errors import DboptError, InvalidArgument, TooDeep
from wedding_dbopt.first_load import first_load

FAILURES = (DboptError, DatabaseError, StatementCancelled, RecursionError)
LEVELS = ("conservative", "moderate", "aggressive")
Result = TypeVar("Result")


def _said(error: DboptError | DatabaseError | StatementCancelled | RecursionError) -> dict[str, str | None]:
    """A failure the way SQL clients read it."""
    told = TooDeep() if isinstance(error, RecursionError) else error
    return {
        "message": str(told),
        "sqlstate": told.sqlstate or "XX000",
        "detail": told.detail,
        "hint": told.hint,
    }


def _reported(function: Callable[..., Result]) -> Callable[..., Result]:
    """Give the wrapped function a Database and report its failures the way SQL clients read them."""

    @functools.wraps(function)
    def wrapper(plpy: Any, *arguments: Any) -> Result:
        try:
            return function(SpiDatabase(plpy), *arguments)
        except FAILURES as error:
            failure = {name: value for name, value in _said(error).items() if value is not None}
        plpy.error(failure.pop("message"), **failure)
        raise AssertionError("plpy.error does not return")

    return wrapper


def _told(function: Callable[..., None]) -> Callable[..., str | None]:
    """Like `_reported` for a procedure's Python half, whose SQL half raises the failure without a traceback."""

    @functools.wraps(function)
    def wrapper(plpy: Any, *arguments: Any) -> str | None:
        try:
            function(SpiDatabase(plpy), *arguments)
        except FAILURES as error:
            return json.dumps(_said(error))
        return None

    return wrapper


def _pinned(function: Callable[..., Result]) -> Callable[..., Result]:
    """Pin the session's search_path while a procedure runs, which commits and so cannot carry SET."""

    @functools.wraps(function)
    def wrapper(database: SpiDatabase, *arguments: Any) -> Result:
        before = database.query("select pg_catalog.current_setting('search_path') as path")[0]["path"]
        database.query("select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)")
        try:
            return function(database, *arguments)
        finally:
            database.query("select pg_catalog.set_config('search_path', $1, false)", ["text"], [before])

    return wrapper


def _level(optimization_level: str | None) -> str:
    if optimization_level not in LEVELS:
        raise InvalidArgument(
            f"Unknown optimization_level {optimization_level!r}",
            hint="Use conservative, moderate or aggressive.",
        )
    return optimization_level


@_reported
def analyze_query(
    database: SpiDatabase,
    query: str | None,
    context: str | None,
    optimization_level: str | None,
    measure: bool | None,
    needed_columns: list[str] | None,
) -> str:
    if "wedding_dbopt.analysis" not in sys.modules:
        with first_load():
            import wedding_dbopt.analysis  # noqa: F401
    from wedding_dbopt.analysis import analyze

    level = _level(optimization_level)
    return json.dumps(analyze(database, query, context, level, bool(measure), needed_columns))


@_reported
def rewrite_rules(database: SpiDatabase) -> list[dict[str, Any]]:
    from wedding_dbopt.rewrite.engine import catalogue
    from wedding_dbopt.rewrite.use import counted

    return counted(database, catalogue())


@_reported
def classify_statements(database: SpiDatabase) -> int:
    from wedding_dbopt.tuning.dictionary import classify_new

    return classify_new(database)


@_reported
def fit_load(database: SpiDatabase, at: str, stale: str) -> bool:
    from wedding_dbopt.season.store import fit_next

    return fit_next(database, at, stale)


@_reported
def recommend_indexes(
    database: SpiDatabase,
    queries: list[str] | None,
    weights: list[float] | None,
    storage_budget: int | None,
    time_budget: str,
    max_width: int,
    include_existing: bool,
) -> list[dict[str, Any]]:
    from wedding_dbopt.tuning.recommend import recommend

    return recommend(database, queries, weights, storage_budget, time_budget, max_width, include_existing)


@_reported
def recommend_for_run(database: SpiDatabase, run_id: int) -> int:
    from wedding_dbopt.tuning.advisers import recommend_for_run as recommend

    return recommend(database, run_id)


@_told
@_pinned
def run_tuning(
    database: SpiDatabase,
    aggressive_mode: bool,
    wedding_season_mode: bool,
    optimization_level: str | None,
    dry_run: bool,
    at: str | None,
) -> None:
    from wedding_dbopt.tuning.run import run_now

    level = _level(optimization_level or ("aggressive" if aggressive_mode else "moderate"))
    run_now(database, level, bool(wedding_season_mode), bool(dry_run), at)


@_told
@_pinned
def step(database: SpiDatabase, name: str, at: str | None) -> None:
    """One step of the tick: actions, runs or readiness."""
    if name == "actions":
        from wedding_dbopt.tuning.processing import process_actions

        process_actions(database, at)
    elif name == "runs":
        from wedding_dbopt.tuning.run import run_queued

        run_queued(database, at)
    else:
        from wedding_dbopt.season.prepare import process_queued

        process_queued(database, at or "now")


@_reported
def readiness(database: SpiDatabase, readiness_id: int, at: str) -> str:
    from wedding_dbopt.season.prepare import compute

    return compute(database, readiness_id, at)


@_reported
def is_dsn(database: SpiDatabase, dsn: str) -> bool:
    from wedding_dbopt.replicas import is_dsn as readable

    return readable(dsn)


@_reported
def fetch_replicas(database: SpiDatabase, at: str) -> int:
    from wedding_dbopt.replicas import fetch

    return fetch(database, at)
