"""The two settings of index advice: what a set is judged by, and what may be given up for statements that count little."""

from __future__ import annotations

from typing import Any

import psycopg

Connection = psycopg.Connection[Any]

PLANNER = ("random_page_cost = 1.1", "effective_cache_size = '8GB'", "work_mem = '64MB'", "jit = off",
           "max_parallel_workers_per_gather = 0")  # fmt: skip
VISITS = (
    "create table visits as select (g * 7919::bigint % 400000)::int as guest, md5(g::text) as page, g as id, g % 2000 as hall, "
    "g % 1500 as seat, g % 100 as hour from generate_series(1, 400000) g",
)
SHARES = (
    "create table bills as select g as id, g / 2000 as month, (g * 31::bigint % 1500)::int as venue, g % 100 as fee, "
    "md5(g::text) as note from generate_series(1, 400000) g",
)


def prepared(connection: Connection, tables: tuple[str, ...]) -> None:
    for setting in PLANNER:
        connection.execute(f"set {setting}".encode())
    for table in tables:
        connection.execute(table.encode())
    connection.execute("vacuum analyze")


def advised(connection: Connection, name: str, value: str, texts: list[str], **asked: Any) -> set[str]:
    connection.execute("select wedding_dbopt.set_setting(%s, %s)", [name, value])
    rows = connection.execute(
        "select implementation_sql from wedding_dbopt.recommend_indexes(%s, %s, %s)",
        [texts, asked.get("weights"), asked.get("budget")],
    ).fetchall()
    return {str(text).partition(" USING btree ")[2] for (text,) in rows}


def test_rows_in_no_order_speak_against_an_index_unless_the_planner_alone_is_to_judge(
    connection: Connection,
) -> None:
    """With the index the statement takes three times as long: it visits a page for each of 400,000 rows."""
    prepared(connection, VISITS)
    texts = ["select * from visits where seat < 400 order by guest"]
    assert '("guest")' not in advised(connection, "index_judgement", "time", texts)
    assert '("guest")' in advised(connection, "index_judgement", "cost", texts)


def test_a_little_of_the_time_is_given_up_for_a_statement_that_counts_little(connection: Connection) -> None:
    prepared(connection, SHARES)
    texts = ["select sum(fee) from bills where month = 5", "select * from bills where venue = 7",
             "select sum(length(note)) from bills"]  # fmt: skip
    asked = {"weights": [1000.0, 1.0, 1000.0], "budget": 10_000_000}
    assert advised(connection, "index_given_up", "0.01", texts, **asked) == {'("month")', '("venue")'}
    assert advised(connection, "index_given_up", "0", texts, **asked) == {'("month") INCLUDE ("fee")'}
