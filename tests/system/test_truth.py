"""What is stored of a statement is what pg_stat_statements can tell of it, or the interval is marked incomplete."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.cluster import Cluster
from tests.system.truth import CASES, LOST, WHOLE, Ledger, trial, truthful_cluster

Connection = psycopg.Connection[Any]

TRIALS = 30
#: Before stats_since a counter that merely looks grown cannot be told from one that began anew.
UNSEEN = "entry reset out of sight, then more calls"


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with truthful_cluster() as cluster:
        opened = Ledger(cluster)
        yield opened
        opened.close()


@pytest.mark.parametrize("name", CASES)
def test_an_interval_is_right_or_marked(ledger: Ledger, name: str) -> None:
    for _ in range(3):
        outcome = trial(ledger, name)
        if name in WHOLE:
            assert outcome.right and not outcome.marked, outcome
        elif name in LOST:
            assert outcome.stored in (0, outcome.seen) and outcome.marked, outcome
        elif ledger.exact:
            assert outcome.right and outcome.marked, outcome
        elif name != UNSEEN:
            assert 0 <= outcome.stored <= outcome.seen and outcome.marked, outcome


def test_a_reset_entry_that_ran_more_often_than_before_is_found(ledger: Ledger) -> None:
    outcomes = [trial(ledger, "entry reset, then more calls") for _ in range(TRIALS)]
    assert sum(outcome.marked for outcome in outcomes) >= (TRIALS if ledger.exact else TRIALS - 1)
    assert all(outcome.right for outcome in outcomes) or not ledger.exact


def test_an_entry_driven_out_and_its_mark(ledger: Ledger) -> None:
    """Rising evictions are stored with the pass, so that a report can say which setting is short."""
    trial(ledger, "evicted, then fewer calls")
    now, before = (
        ledger.value("select dealloc from _wedding_dbopt.statement_sample where at = %s", ledger.at(ago))
        for ago in (0, 1)
    )
    assert now > before


def test_databases_roles_and_nested_calls_are_kept_apart(ledger: Ledger) -> None:
    ledger.next_statement()
    session = ledger.session
    session.execute("drop database if exists elsewhere")
    session.execute("create database elsewhere")
    for role in ("apart_one", "apart_two"):
        session.execute(f"drop role if exists {role}")
        session.execute(f"create role {role} login")
    statement = "select count(*) from generate_series(1, 10) as kept_apart"
    ledger.collect()
    for database, role, calls in (
        ("test", "apart_one", 3),
        ("test", "apart_two", 5),
        ("elsewhere", "apart_one", 7),
    ):
        with ledger.cluster.connect(database, role) as application:
            for _ in range(calls):
                application.execute(statement.encode())
    session.execute("set pg_stat_statements.track = 'all'")
    session.execute(
        f"do $$ begin for i in 1..11 loop perform * from ({statement}) q; end loop; end $$".encode()
    )
    session.execute(
        f"create or replace function nested() returns bigint language sql as $$ {statement} $$".encode()
    )
    session.execute("set role apart_one")
    session.execute("select nested() from generate_series(1, 13)")
    session.execute("reset role; reset pg_stat_statements.track")
    ledger.collect()
    found = session.execute(
        """select b.datname, r.rolname, s.toplevel, d.calls::integer
           from _wedding_dbopt.statement_delta(%s, %s) d
           join _wedding_dbopt.statement s on s.id = d.statement_id
           join _wedding_dbopt.statement_text t using (statement_id)
           join pg_database b on b.oid = s.dbid join pg_roles r on r.oid = s.userid
           where t.query like 'select count(*) from generate_series(%%as kept_apart' order by 1, 2, 3""",
        [ledger.at(1), ledger.at()],
    ).fetchall()
    assert found == [
        ("elsewhere", "apart_one", True, 7),
        ("test", "apart_one", False, 13),
        ("test", "apart_one", True, 3),
        ("test", "apart_two", True, 5),
    ]
    assert ledger.complete()


def test_a_clock_that_is_set_back_makes_nothing_count_twice(ledger: Ledger) -> None:
    ledger.next_statement()
    ledger.collect()
    newest = ledger.minute + 3

    def interval(calls: int, reset: bool = False) -> tuple[int, bool, float]:
        if reset:
            ledger.reset_all()
        ledger.run(calls)
        ledger.collect()
        minutes = "select extract(epoch from at - previous_at) / 60 from _wedding_dbopt.statement_sample where at = %s"
        return ledger.stored(), ledger.complete(), float(ledger.value(minutes, ledger.at()))

    assert [interval(5), interval(6), interval(7, reset=True)] == [(5, True, 1), (6, True, 1), (7, False, 1)]
    ledger.minute -= 2.5  # an interval of half a minute would look like twice the load
    assert interval(8) == (8, False, 1)
    assert interval(9, reset=True) == (9, False, 1)
    assert [interval(10), interval(11)] == [(10, True, 1), (11, True, 1)]
    ledger.minute = newest - 1  # a pass of the same time again
    assert interval(12) == (12 + 7, False, 1)
    ledger.minute -= 1.25
    ledger.stop_at_once()  # what was counted already is not known any more, and not since when
    ledger.run(13)
    ledger.collect()
    assert (ledger.stored(), ledger.complete()) == (0, False)
    ledger.minute = newest


def test_columns_that_come_with_a_version_begin_anew_and_an_old_one_counts_nothing_twice(
    ledger: Ledger,
) -> None:
    versions = [
        version
        for (version,) in ledger.session.execute(
            """select version from pg_available_extension_versions
               where name = 'pg_stat_statements' and string_to_array(version, '.')::integer[] >= '{1,7}'
               order by string_to_array(version, '.')::integer[]"""
        ).fetchall()
    ]
    ledger.session.execute("create database aged")
    with ledger.cluster.connect("aged") as session:
        session.execute(f"create extension pg_stat_statements version '{versions[0]}'".encode())
    ledger.cluster.install("aged")
    aged = Ledger(ledger.cluster, "aged")
    aged.number = 100

    def interval(calls: int) -> tuple[int, bool]:
        aged.run(calls)
        aged.collect()
        return aged.stored(), aged.complete()

    def refused() -> bool:
        aged.minute += 1
        aged.session.execute("call wedding_dbopt.collect(%s)", [aged.at()])
        reason = "select reason from _wedding_dbopt.collect_log where source = 'statements' and at = %s"
        refusal = aged.value(reason, aged.at())
        assert (
            aged.value("select count(*) from _wedding_dbopt.statement_sample where at = %s", aged.at()) == 0
        )
        aged.session.execute("delete from _wedding_dbopt.collect_log")
        return "ALTER EXTENSION pg_stat_statements UPDATE" in refusal

    aged.next_statement()
    assert refused()
    for version in versions[1:]:
        aged.session.execute(f"alter extension pg_stat_statements update to '{version}'".encode())
        assert interval(5) in ((0, False), (5, True))
        assert interval(6) == (6, True)
        if version == "1.8":
            aged.session.execute("set pg_stat_statements.track = 'all'")
            aged.session.execute(f"do $$ begin perform id from {aged.probe} where id < 50; end $$".encode())
            assert refused()
            aged.session.execute("reset pg_stat_statements.track")
    aged.close()
    ledger.session.execute("drop database aged")


def test_nobody_elses_counters_are_touched(ledger: Ledger) -> None:
    """What another tool reads before and after our passes, our maintenance and our ticks is the same."""
    ledger.next_statement()
    ledger.run(20)
    counters = f"""
      select to_jsonb(s) - 'query' from pg_stat_statements s where s.queryid = {ledger.queryid()}
      union all select to_jsonb(stats_reset) from pg_stat_statements_info
      union all select to_jsonb(stats_reset) from pg_stat_database where datname = current_database()
      union all select to_jsonb(stats_reset) from pg_stat_bgwriter
      union all select to_jsonb(stats_reset) from pg_stat_wal"""
    before = ledger.session.execute(counters.encode()).fetchall()
    for _ in range(3):
        ledger.collect()
    ledger.session.execute("call wedding_dbopt.maintain(%s)", [ledger.at()])
    ledger.session.execute("call wedding_dbopt.tick()")
    assert ledger.session.execute(counters.encode()).fetchall() == before


PASSES = 400
STATEMENTS = 6
COUNTERS = ("calls", "rows", "hit", "exec_ms")
Key = tuple[str, str, int]


class Traffic:
    """Statements of two roles in two databases, each call counted by who made it."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self.cluster = cluster
        self.chance = chance
        self.sessions: dict[tuple[str, str], Connection] = {}
        self.ran: Counter[Key] = Counter()
        self.hidden: Counter[Key] = Counter()

    def run(self) -> None:
        for _ in range(self.chance.randrange(10)):
            database, role = self.chance.choice((("test", "one"), ("test", "two"), ("other", "one")))
            number = self.chance.randrange(STATEMENTS)
            if (database, role) not in self.sessions:
                self.sessions[database, role] = self.cluster.connect(database, role)
            calls = self.chance.choice((1, 1, 2, 3, 12))
            for _ in range(calls):
                self.sessions[database, role].execute(f"select id from load_{number} where id < 50".encode())
            self.ran[database, role, number] += calls

    def disconnect(self) -> None:
        for session in self.sessions.values():
            session.close()
        self.sessions.clear()

    def hide(self, keys: list[Key] | None = None) -> None:
        """What ran since the last pass can no longer be seen, of these or of all."""
        for key in list(self.ran) if keys is None else keys:
            self.hidden[key] = self.ran[key]


class History:
    """Stored differences beside the counters they come from."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def latest(self) -> dict[Key, dict[str, float]]:
        return self._by_key(
            """select b.datname, r.rolname, t.query, d.calls, d.rows, d.hit, d.exec_ms
               from _wedding_dbopt.statement_delta(%s, %s) d
               join _wedding_dbopt.statement s on s.id = d.statement_id
               join _wedding_dbopt.statement_text t using (statement_id)
               join pg_database b on b.oid = s.dbid join pg_roles r on r.oid = s.userid
               where t.query like 'select id from load%%'""",
            [self.ledger.at(1), self.ledger.at()],
        )

    def counters(self) -> dict[Key, dict[str, float]]:
        return self._by_key(
            """select b.datname, r.rolname, s.query, s.calls, s.rows, s.shared_blks_hit, s.total_exec_time
               from pg_stat_statements s join pg_database b on b.oid = s.dbid join pg_roles r on r.oid = s.userid
               where s.query like 'select id from load%%'""",
            [],
        )

    def _by_key(self, query: str, values: list[Any]) -> dict[Key, dict[str, float]]:
        rows = self.ledger.session.execute(query.encode(), values or None).fetchall()
        return {
            (database, role, int(text.split("load_")[1].split()[0])): dict(zip(COUNTERS, figures))
            for database, role, text, *figures in rows
        }


def test_hundreds_of_passes_add_up_to_the_counters_through_resets_and_restarts() -> None:
    chance = random.Random(20250501)
    with Cluster(("pg_stat_statements",)) as cluster:
        cluster.install()
        ledger = Ledger(cluster)
        for role in ("one", "two"):
            ledger.session.execute(f"create role {role} login")
        ledger.session.execute("create database other")
        for database in ("test", "other"):
            with cluster.connect(database) as session:
                for number in range(STATEMENTS):
                    session.execute(
                        f"create table load_{number} as select g as id from generate_series(1, 100) g;"
                        f"grant select on load_{number} to public"
                    )
        traffic, history = Traffic(cluster, chance), History(ledger)
        ledger.collect()
        whole: dict[Key, dict[str, float]] = {}
        marked = 0
        for number in range(PASSES):
            traffic.ran.clear()
            traffic.hidden.clear()
            event = {100: "restart", 180: "crash", 260: "restart", 330: "kill"}.get(
                number, chance.choices(("", "entry", "all"), (90, 7, 3))[0]
            )
            traffic.run()
            if event == "restart":
                traffic.disconnect()
                ledger.restart()
            elif event == "crash":
                traffic.disconnect()
                ledger.crash()
                traffic.hide()
            elif event == "kill":
                traffic.disconnect()
                ledger.kill_a_backend()
                traffic.hide()
            elif event == "all":
                ledger.reset_all()
                traffic.hide()
            elif event == "entry" and (entries := sorted(history.counters())):
                key = chance.choice(entries)
                ledger.session.execute(
                    """select pg_stat_statements_reset(s.userid, s.dbid, s.queryid)
                       from pg_stat_statements s join pg_database b on b.oid = s.dbid join pg_roles r on r.oid = s.userid
                       where b.datname = %s and r.rolname = %s and s.query like %s""",
                    [key[0], key[1], f"select id from load_{key[2]} %"],
                )
                traffic.hide([key])
            traffic.run()
            ledger.collect()
            stored, counters, complete = history.latest(), history.counters(), ledger.complete()
            assert all(min(figures.values()) >= 0 for figures in stored.values()), number
            if complete:
                assert {key: figures["calls"] for key, figures in stored.items()} == traffic.ran, (
                    number,
                    event,
                )
                assert not +traffic.hidden, (number, event)
                for key, figures in stored.items():
                    sums = whole.setdefault(key, dict.fromkeys(COUNTERS, 0.0))
                    for name in COUNTERS:
                        sums[name] += figures[name]
                for key, sums in whole.items():
                    for name in ("calls", "rows", "hit"):
                        assert sums[name] == counters[key][name], (number, key, name)
                    assert sums["exec_ms"] == pytest.approx(
                        counters[key]["exec_ms"], abs=0.001 * (number + 1)
                    )
            else:
                marked += 1
                assert event in ("entry", "all", "crash", "kill"), number
                for key in traffic.ran:
                    calls = stored.get(key, {}).get("calls", 0)
                    seen = traffic.ran[key] - traffic.hidden[key]
                    if event in ("crash", "kill"):
                        assert calls in (0, seen), (number, key)
                    elif ledger.exact:
                        assert calls == seen, (number, event, key)
                    assert calls <= traffic.ran[key], (number, event, key)
                whole = counters
        assert marked >= 20
        traffic.disconnect()
        ledger.close()
