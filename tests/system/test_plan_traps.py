"""No statement of ours compares rows with rows, whatever the planner knows of our tables: nothing, or what it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest

from tests.bench.measure import Session
from tests.cluster import Cluster

STATEMENTS = 1200
BEGIN = datetime(2101, 1, 1, tzinfo=timezone.utc)
#: A statement reads a table a few times at most; each row with each other would be 1,200 times.
MOST = 20 * STATEMENTS


@dataclass
class Watched:
    """The plans of all that a session runs, nested statements included, and what is wrong with them."""

    session: psycopg.Connection[Any]
    seen: int = 0
    wrong: list[str] = field(default_factory=list)

    def read(self, notice: Any) -> None:
        text = notice.message_primary or ""
        if "plan:\n{" in text:
            self.seen += 1
            plan = json.loads(text[text.index("{") :])
            self.judge(plan["Plan"], plan["Query Text"])

    def judge(self, node: dict[str, Any], query: str) -> None:
        loops = node.get("Actual Loops", 0)
        rejected = loops * sum(
            node.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Join Filter", "Index Recheck")
        )
        scanned = loops * node.get("Actual Rows", 0)
        if rejected > MOST or scanned > 10 * MOST:
            self.wrong.append(f"{node['Node Type']}: {rejected} rejected, {scanned} read in\n{query}")
        for child in node.get("Plans", []):
            self.judge(child, query)


@contextmanager
def watched(cluster: Cluster) -> Iterator[Watched]:
    with cluster.connect() as session:
        found = Watched(session)
        session.execute(
            """load 'auto_explain';
               set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on;
               set auto_explain.log_timing = off; set auto_explain.log_format = 'json';
               set auto_explain.log_min_duration = 0"""
        )
        session.add_notice_handler(found.read)
        yield found


def fill(session: Session, number: int) -> None:
    """Give pg_stat_statements its statements: each a query of a shape of its own."""
    session.execute("create table probe (a integer, b integer, c integer)")
    change(session, number, 1)


def change(session: Session, number: int, share: float) -> None:
    """Run a share of the statements once more."""
    for shape in range(0, number, round(1 / share)):
        terms = [("a", "b", "c")[(shape // 3**place) % 3] for place in range(9)]
        session.execute(
            f"select {', '.join(f'{term} as x{n}' for n, term in enumerate(terms))} from probe".encode()
        )


@pytest.fixture(scope="module")
def full() -> Iterator[Cluster]:
    """A first pass over many statements that nobody has told the planner of."""
    with Cluster(autovacuum="off") as cluster:
        cluster.install("test", "hypopg")
        with cluster.connect() as session:
            fill(session, STATEMENTS)
            session.execute("call wedding_dbopt.maintain(%s)", [BEGIN])
            session.execute("call wedding_dbopt.collect(%s)", [BEGIN])
        yield cluster


#: What needs more than a time or a window.
SUSPECTS = (
    "select * from _wedding_dbopt.suspect_statements('budget_burn', null, null, %(at)s)",
    "select * from _wedding_dbopt.suspect_traffic('other', %(at)s)",
)


def readers(session: psycopg.Connection[Any]) -> list[str]:
    """Calls of all functions, internal ones too, that only read and need nothing, or a time, or a window."""
    rows = session.execute(
        """select format('select * from %s(%s)', p.oid::regproc, case
                    when p.pronargs = p.pronargdefaults
                    then case when 'at' = any (p.proargnames[:p.pronargs]) then 'at => %(at)s' else '' end
                    when p.pronargs = 1 then '%(at)s' else '%(since)s, %(at)s' end)
           from pg_proc p
           where p.pronamespace in ('wedding_dbopt'::regnamespace, '_wedding_dbopt'::regnamespace)
             and p.prokind = 'f' and p.provolatile = 's'
             and (p.pronargs = p.pronargdefaults
               or p.proargtypes::oid[] <@ '{timestamptz}'::regtype[]::oid[] and p.pronargs <= 2)
           order by 1"""
    ).fetchall()
    return [call for (call,) in rows]


@pytest.mark.parametrize(
    "hour, analysed, plans",
    [
        (1, False, "force_generic_plan"),
        (2, False, "auto"),
        (3, True, "force_generic_plan"),
        (4, True, "auto"),
    ],
)
def test_passes_maintenance_and_reading_compare_no_rows_with_rows(
    full: Cluster, hour: int, analysed: bool, plans: str
) -> None:
    with watched(full) as found, full.connect() as application:
        calls = readers(found.session)
        assert len(calls) > 100
        if analysed:
            found.session.execute("analyze")
        found.session.execute(f"set plan_cache_mode = {plans}".encode())
        found.session.execute("set client_min_messages = log")
        for minute, call in (
            (5, "call wedding_dbopt.collect(%(at)s)"),
            (6, "call wedding_dbopt.collect(%(at)s)"),
            *((7, call) for call in SUSPECTS),
            (61, "call wedding_dbopt.maintain(%(at)s)"),
            (61, "call wedding_dbopt.collect_hour(%(at)s)"),
            (62, "call wedding_dbopt.tick(%(at)s)"),
            *((63, call) for call in calls),
        ):
            if minute < 7:
                change(application, STATEMENTS, 0.5)
            moment = BEGIN + timedelta(hours=hour, minutes=minute)
            found.session.execute(
                call.encode(), {"at": moment, "since": moment - timedelta(days=1)} if "%" in call else None
            )
    assert found.seen > 500
    assert not found.wrong, "\n\n".join(found.wrong)
