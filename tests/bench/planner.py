"""Sets of indexes priced by the planner, as HypoPG imagines them or really built; nothing is left behind.

The planner's settings are fixed, so that figures compare with those that other advisors got under the same.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from wedding_dbopt.database import DatabaseError

from tests.bench.measure import Session

SETTINGS = {
    "random_page_cost": "1.1",
    "seq_page_cost": "1",
    "effective_cache_size": "8GB",
    "work_mem": "64MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "search_path": "public",
}


def fixed(session: Session) -> Session:
    """The session with the planner's settings, and nothing prepared behind our back."""
    session.prepare_threshold = None
    for name, value in SETTINGS.items():
        session.execute("select set_config(%s, %s, false)", [name, value])
    return session


class Client:
    """A session as the `Database` of the package."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def query(self, sql: str, types: Iterable[str] = (), values: Iterable[Any] = ()) -> list[dict[str, Any]]:
        kinds, given = list(types), list(values)
        order = [int(number) for number in re.findall(r"\$(\d+)", sql)]
        text = re.sub(r"\$(\d+)", lambda found: f"%s::{kinds[int(found[1]) - 1]}", sql.replace("%", "%%"))
        with self._session.cursor(row_factory=dict_row) as cursor:
            if order:
                cursor.execute(text.encode(), [given[number - 1] for number in order])
            else:
                cursor.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        before = self._session.execute("show statement_timeout").fetchone()
        assert before is not None
        self._session.execute(
            "select set_config('statement_timeout', %s, false)", [f"{1000 * seconds:.0f}ms"]
        )
        try:
            yield
        finally:
            self._session.execute("select set_config('statement_timeout', %s, false)", [before[0]])

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        try:
            with self._session.transaction(force_rollback=True):
                yield
        except psycopg.Error as error:
            raise DatabaseError(str(error), error.sqlstate) from error


class ClientReaders:
    """What reads tables for samples, over a session: its own role may."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def reader(self, schema: str, table: str) -> Client:
        return self._client


class ClientSource:
    """Plans a workload over a session; the plan source of `advise`. `calls` counts the EXPLAINs."""

    def __init__(self, session: Session, queries: Mapping[str, str]) -> None:
        self._session = session
        self._queries = dict(queries)
        self.calls = 0

    def explain(self, key: str) -> Any:
        self.calls += 1
        try:
            return plan(self._session, self._queries[key], "verbose, ")
        except psycopg.Error as error:
            raise DatabaseError(str(error), error.sqlstate) from error

    def vary(self, key: str, name: str, text: str) -> str:
        self._queries[name] = text
        return name

    def create_hypothetical(self, wanted: Sequence[tuple[str, tuple[str, str]]]) -> list[int]:
        texts = [sql for sql, _ in wanted]
        made = (
            "select i.indexrelid from unnest(%s::text[]) with ordinality s (t, n), "
            "lateral hypopg_create_index(s.t) i order by n"
        )
        return [int(row[0]) for row in self._session.execute(made, [texts]).fetchall()] if texts else []

    def drop_hypothetical(self, oids: Sequence[int]) -> None:
        if oids:
            self._session.execute("select hypopg_drop_index(o) from unnest(%s::oid[]) o", [list(oids)])


def hypothetical_bytes(session: Session, statement: str) -> int:
    """What HypoPG believes an index takes."""
    row = session.execute("select indexrelid from hypopg_create_index(%s)", [statement]).fetchone()
    assert row is not None
    size = session.execute("select hypopg_relation_size(%s)", row).fetchone()
    session.execute("select hypopg_drop_index(%s)", row)
    assert size is not None
    return int(size[0])


def plan(session: Session, query: str, options: str = "") -> dict[str, Any]:
    row = session.execute(f"explain ({options}format json) {query}".encode()).fetchone()
    assert row is not None
    found = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return dict(found[0]["Plan"])


def names(node: dict[str, Any]) -> set[str]:
    """The indexes of a plan."""
    found = {str(node["Index Name"])} if "Index Name" in node else set()
    return found.union(*(names(child) for child in node.get("Plans", ())))


@dataclass(frozen=True)
class Priced:
    """Costs by statement without and with a set, the set's bytes by index, and how many of it no plan uses."""

    before: Mapping[str, float]
    after: Mapping[str, float]
    sizes: tuple[int, ...]
    unused: int

    @property
    def rc(self) -> float:
        """The summed cost left, in percent."""
        return 100 * sum(self.after.values()) / sum(self.before.values())

    @property
    def geo(self) -> float:
        """The geometric mean of the statements' ratios, in percent."""
        ratios = [math.log(self.after[key] / self.before[key]) for key in self.before]
        return 100 * math.exp(sum(ratios) / len(ratios))

    @property
    def bytes(self) -> int:
        return sum(self.sizes)


def priced(session: Session, queries: Mapping[str, str], statements: Iterable[str], real: bool) -> Priced:
    """Price CREATE INDEX statements, hypothetically or built in a transaction that is rolled back."""
    session.execute("select hypopg_reset()")
    before = {key: float(plan(session, text)["Total Cost"]) for key, text in queries.items()}
    with session.transaction(force_rollback=True):
        made, sizes = [], []
        for statement in statements:
            text = statement.replace(" CONCURRENTLY", "")
            if real:
                name = text.split('"')[1]
                session.execute(text.encode())
                row = session.execute("select pg_relation_size(%s::regclass)", [f'"{name}"']).fetchone()
            else:
                row = session.execute(
                    "select hypopg_relation_size(indexrelid), indexname from hypopg_create_index(%s)", [text]
                ).fetchone()
                name = str(row[1]) if row is not None else ""
            assert row is not None
            made.append(name)
            sizes.append(int(row[0]))
        plans = {key: plan(session, text) for key, text in queries.items()}
    session.execute("select hypopg_reset()")
    used: set[str] = set().union(*(names(top) for top in plans.values()))
    after = {key: float(top["Total Cost"]) for key, top in plans.items()}
    return Priced(before, after, tuple(sizes), sum(name not in used for name in made))
