"""The advisers of tables on planted figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wedding_dbopt.settings import fillfactor, stale_statistics, table_autovacuum, vacuum
from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.evidence import beside_indexes, set_columns
from wedding_dbopt.settings.figures import Finding, Server
from wedding_dbopt.settings.parameters import Parameter
from wedding_dbopt.settings.tables import Table, set_options

SERVER = Server(
    "wedding",
    {
        "autovacuum_vacuum_scale_factor": Parameter("autovacuum_vacuum_scale_factor", "0.2"),
        "vacuum_freeze_min_age": Parameter("vacuum_freeze_min_age", "50000000"),
    },
    hours=24.0,
)
TABLE = Table(
    1,
    "public.booking",
    "public",
    "booking",
    pages=20_000,
    tuples=1e6,
    live=1_000_000,
    dead=1000,
    indexes=3,
    hours=24.0,
)


def table(**changes: object) -> Table:
    return replace(TABLE, **changes)  # type: ignore[arg-type]


def server(*kinds: str, cause: str | None = None, relid: int = 1) -> Server:
    found = tuple(
        Finding(kind, "public.booking", f"{kind} was found.", {}, relid, cause=cause) for kind in kinds
    )
    return replace(SERVER, findings=found)


def only(advices: object) -> Advice:
    (one,) = list(advices)  # type: ignore[call-overload]
    assert isinstance(one, Advice)
    return one


def test_options_come_back_as_they_were() -> None:
    sql, back = set_options(
        table(options={"fillfactor": "90"}), {"fillfactor": "80", "autovacuum_enabled": "on"}
    )
    assert sql == ("alter table public.booking set (fillfactor = 80, autovacuum_enabled = on)",)
    assert back == ("alter table public.booking reset (autovacuum_enabled), set (fillfactor = 90)",)


# ---------------------------------------------------------------------- statistics and vacuum


@pytest.mark.parametrize("kind", ["never_analyzed", "stale_statistics"])
def test_tables_without_fresh_statistics_are_analysed_once(kind: str) -> None:
    advice = only(stale_statistics.advise(server(kind, kind), {1: TABLE}))
    assert (advice.sql, advice.rollback_sql) == (("analyze public.booking",), ())


def test_what_is_fresh_or_gone_is_not_analysed() -> None:
    assert list(stale_statistics.advise(SERVER, {1: TABLE})) == []
    assert list(stale_statistics.advise(server("never_analyzed", relid=2), {1: TABLE})) == []


def test_a_table_that_autovacuum_left_behind_is_vacuumed_slowly() -> None:
    advice = only(vacuum.advise(server("dead_rows"), {1: TABLE}))
    assert advice.sql == (
        "set vacuum_cost_delay = '2ms'",
        "set vacuum_cost_limit = 200",
        "vacuum (analyze, truncate false) public.booking",
        "reset vacuum_cost_delay",
        "reset vacuum_cost_limit",
    )


def test_rows_that_an_old_transaction_holds_are_left_to_it() -> None:
    assert list(vacuum.advise(server("dead_rows", cause="horizon"), {1: TABLE})) == []
    assert list(vacuum.advise(SERVER, {1: TABLE})) == []


def test_an_old_large_table_is_frozen_before_it_is_forced() -> None:
    advice = only(vacuum.advise(server("dead_rows"), {1: table(xid_share=0.9)}))
    assert advice.sql[2] == "vacuum (freeze, analyze, truncate false) public.booking"
    assert list(vacuum.advise(SERVER, {1: table(xid_share=0.9, pages=100)})) == []


# ---------------------------------------------------------------------- table settings


def test_a_busy_large_table_is_vacuumed_earlier() -> None:
    advice = only(table_autovacuum.advise(SERVER, [table(most_dead=150_000, updated=240_000)]))
    assert advice.sql == (
        "alter table public.booking set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000)",
    )
    assert advice.rollback_sql == (
        "alter table public.booking reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)",
    )
    # 4.8 million changes an hour... half an hour of them would be more than a twentieth
    fast = only(table_autovacuum.advise(SERVER, [table(most_dead=150_000, updated=24 * 4_800_000)]))
    assert fast.value == "0.05"


@pytest.mark.parametrize(
    "changes",
    [
        {"most_dead": 50_000},
        {"most_dead": 30_000, "live": 50_000},
        {"most_dead": 150_000, "hours": 0.1},
        {"most_dead": 150_000, "options": {"autovacuum_vacuum_scale_factor": "0.03"}},
        {"most_dead": 150_000, "options": {"autovacuum_enabled": "off"}},
    ],
    ids=["few dead", "small", "unknown", "has its own", "switched off by somebody"],
)
def test_no_earlier_vacuum_without_cause(changes: dict[str, object]) -> None:
    assert list(table_autovacuum.advise(SERVER, [table(**changes)])) == []


def test_an_append_only_table_is_frozen_as_it_is_vacuumed() -> None:
    advice = only(table_autovacuum.advise(SERVER, [table(inserted=500_000)]))
    assert (advice.parameter, advice.value) == ("autovacuum_freeze_min_age", "0")
    assert list(table_autovacuum.advise(SERVER, [table(inserted=500_000, updated=5000)])) == []


UPDATES = {"updated": 50_000, "hot_updated": 5000, "updates_beside_indexes": 0.9}


def test_updates_that_could_stay_get_room_in_their_page() -> None:
    advice = only(fillfactor.advise(SERVER, [table(**UPDATES)]))
    # 50 rows a page: room for two of them is 4 %, and 5 % is the least that is left
    assert advice.sql == ("alter table public.booking set (fillfactor = 95)",)
    assert advice.rollback_sql == ("alter table public.booking reset (fillfactor)",)
    assert "from now on" in advice.reason
    wide = only(fillfactor.advise(SERVER, [table(**UPDATES, pages=100_000)]))
    assert wide.value == "80"


@pytest.mark.parametrize(
    "changes",
    [
        {"hot_updated": 40_000},
        {"updated": 5000, "hot_updated": 0},
        {"updates_beside_indexes": 0.1},
        {"updates_beside_indexes": None},
        {"options": {"fillfactor": "100"}},
        {"indexes": 0},
    ],
    ids=["hot already", "few", "indexed columns", "unknown columns", "somebody's choice", "no index"],
)
def test_no_room_where_it_does_not_help(changes: dict[str, object]) -> None:
    assert list(fillfactor.advise(SERVER, [table(**{**UPDATES, **changes})])) == []


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("update booking set Status = $1, note = $2 where id = $3", {"status", "note"}),
        ('update booking set "Status" = $1', {"Status"}),
        ("update booking b set (a, b) = ($1, $2)", {"a", "b"}),
        ("with x as (select 1) update booking set a = 1", {"a"}),
        ("select 1", None),
        ("garbage (((", None),
    ],
)
def test_which_columns_an_update_sets(text: str, columns: set[str] | None) -> None:
    found = set_columns(text)
    assert found == (None if columns is None else frozenset(columns))


def test_the_share_of_updates_beside_the_indexes_counts_rows() -> None:
    writers = [
        {"tables": ["public.booking"], "rows": 90, "query": "update booking set note = $1"},
        {"tables": ["public.booking"], "rows": 10, "query": "update booking set status = $1"},
        {"tables": ["public.other"], "rows": 1000, "query": "update other set status = $1"},
    ]
    assert beside_indexes("public.booking", frozenset({"status"}), writers) == pytest.approx(0.9)
    assert beside_indexes("public.nothing", frozenset({"status"}), writers) is None
