"""The session's plans of our own statements."""

from __future__ import annotations

from typing import Any

import pytest
from wedding_dbopt import database
from wedding_dbopt.database import SpiDatabase


class Server:
    """Counts what is prepared; a plan is its text and types."""

    SPIError = RuntimeError

    def __init__(self) -> None:
        self.prepared: list[tuple[str, tuple[str, ...]]] = []

    def prepare(self, sql: str, types: list[str]) -> tuple[str, tuple[str, ...]]:
        self.prepared.append((sql, tuple(types)))
        return self.prepared[-1]

    def execute(self, plan: Any, values: Any = None) -> list[dict[str, Any]]:
        return [{"plan": plan, "values": values}]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(database, "_kept", type(database._kept)())
    return Server()


def test_a_text_is_prepared_once_a_session_for_each_list_of_types(server: Server) -> None:
    for types, value in ((["int"], 1), (["int"], 2), (["text"], "a")):
        row = SpiDatabase(server).query("select $1", types, [value])[0]
        assert row == {"plan": ("select $1", tuple(types)), "values": [value]}
    assert server.prepared == [("select $1", ("int",)), ("select $1", ("text",))]


def test_the_plans_kept_are_few_and_those_used_last(server: Server) -> None:
    session = SpiDatabase(server)
    session.query("select 'used again', $1", ["int"], [1])
    for number in range(2 * database._MOST_KEPT):
        session.query(f"select {number}, $1", ["int"], [1])
        session.query("select 'used again', $1", ["int"], [1])
    assert len(database._kept) == database._MOST_KEPT
    assert len(server.prepared) == 1 + 2 * database._MOST_KEPT
    session.query("select 0, $1", ["int"], [1])
    assert server.prepared[-1] == ("select 0, $1", ("int",))
