"""The clock of long searches lets a cancel through."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from wedding_dbopt.database import StatementCancelled
from wedding_dbopt.tuning.time_budget import TimeBudget, attentive


def test_a_search_that_looks_at_the_clock_lets_the_server_cancel_it_five_times_a_second_at_most() -> None:
    now, asked = [0.0], [0]

    def query(_: str) -> list[dict[str, Any]]:
        asked[0] += 1
        if now[0] > 3:
            raise StatementCancelled("cancelled")
        return []

    clock = attentive(SimpleNamespace(query=query), lambda: now[0])  # type: ignore[arg-type]
    limit = TimeBudget(clock, 60.0)
    for tick in range(301):
        now[0] = tick / 100
        assert not limit.is_over()
    assert 10 <= asked[0] <= 16
    now[0] = 3.3
    with pytest.raises(StatementCancelled):
        limit.is_over()
