"""Index advice on hostile statements: no error escapes, each statement is accounted for, and nothing is left behind."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]

#: What became of each statement: its number, whether it was planned, and the reason where it was not.
ACCOUNT = """
create function account(queries text[]) returns jsonb language plpython3u as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
import json
import time
from wedding_dbopt.database import SpiDatabase
from datetime import datetime, timezone
from wedding_dbopt.tuning.members import given
from wedding_dbopt.tuning.recommend import _search
from wedding_dbopt.tuning.time_budget import TimeBudget
database = SpiDatabase(plpy)
members, unread, window = given(database, queries, None)
advice, _ = _search(database, members, unread, window, None, TimeBudget(time.monotonic, 900.0), 3, datetime.now(timezone.utc))
return json.dumps({"planned": [member.statement.key for member in members], "skipped": advice.skipped})
$$
"""
PLATFORM = """
create table guests (id int primary key, name text, email text, tags text[], facts jsonb, stay daterange);
insert into guests select g, md5(g::text), md5((g * 3)::text), array['a' || g % 50], jsonb_build_object('k', g % 7000),
  daterange(date '2024-01-01' + g % 9000, date '2024-01-03' + g % 9000) from generate_series(1, 20000) g;
create table "x""; drop table y;--" ("a""; b'" int, "WHERE" text);
insert into "x""; drop table y;--" select g, g::text from generate_series(1, 3000) g;
create table y (id int);
vacuum analyze
"""
ODD = '"x""; drop table y;--"'
UNREADABLE = [
    "",
    " ",
    ";",
    "--",
    "/* never closed",
    "select 'open",
    'select "open',
    "select $$open",
    "selec 1",
    "select * from",
    "select * from guests where",
    "select ((((1)",
    "select 1; select 2",
    "select 1; drop table y",
    "drop table y",
    "create index on guests (name)",
    "vacuum",
    "begin",
    "copy guests to '/tmp/x'",
    "explain select 1",
    "set role postgres",
    "do $$ begin end $$",
    "\\d guests",
    "\u0000x".replace("\u0000", "\u0001"),
    "select 1 where " + "(" * 5000 + "1",
    "select " + "a.b." * 3000 + "c",
]
UNPLANNABLE = [
    "select * from nowhere where id = {n}",
    "select * from no_schema.guests where id = {n}",
    "select missing{n} from guests",
    "select * from guests where id = 'word{n}'",
    "select * from guests where name like {n}",
    "select no_function{n}(id) from guests",
    "select * from guests where facts @> 'no json {n}'",
    "select * from guests where stay && 'no range {n}'",
    "select id from guests group by name, {n} + $1",
    "select id::no_type{n} from guests",
    "update guests set missing = {n}",
    'select * from "x\'; drop table y;-- {n}" where a = 1',
]
PLANNABLE = [
    "select * from guests where id = {n}",
    "select * from guests where name like '%{n}abc%'",
    "select * from guests where name ilike '%''; drop table y;-- {n}%'",
    "select * from guests where email ~ '^(a|b)+${n}'",
    "select * from guests where name like '%$9 cost$${n}%'",
    "select * from guests where tags @> array['a{n}', E'\\'x\\\\']",
    "select * from guests where tags && $1 and id > {n}",
    'select * from guests where facts @> \'{{"k": {n}, "a\\"b": null}}\'',
    "select * from guests where facts ? '{n}$1'",
    "select * from guests where facts -> 'k' @> $1 or id = {n}",
    "select * from guests where stay && daterange('2024-01-01', '2024-02-0{d}')",
    "select * from guests where stay @> $1::date and id <> {n}",
    f'select * from {ODD} where "a""; b\'" = {{n}}',
    f"select * from {ODD} where \"WHERE\" like '%;drop {{n}}%'",
    f'delete from {ODD} where "WHERE" = $1 and "a""; b\'" < {{n}}',
    "with a as materialized (select * from guests where id = {n}) select * from a natural join guests",
    "select (select count(*) from guests g where g.name = o.name) from guests o where o.id = {n}",
    "insert into y select id from guests where email = '{n}'",
    "select * from guests where (id, name) > ({n}, 'x') order by id, name limit 3",
    "values ({n})",
]
HUGE = [
    f"select * from guests where id in ({', '.join(map(str, range(5000)))})",
    f"select * from guests where name like '%{'x' * 100_000}%'",
    f"select * from guests where id = 1 /* {'c' * 900_000} */",
    f"select * from guests where {' or '.join(f'id = {n}' for n in range(60))}",
    f"select {', '.join(f'id + {n}' for n in range(1500))} from guests",
    f"select * from guests where name = '{'y' * 1_100_000}'",
    "select " + "-" * 3 + " 1",
]


def corpus() -> list[tuple[str, bool | None]]:
    """500 statements, each with whether it must be planned; None where either is fine."""
    found: list[tuple[str, bool | None]] = [(text, False) for text in UNREADABLE]
    found += [(text, None) for text in HUGE]
    number = 0
    while len(found) < 500:
        for texts, fine in ((UNPLANNABLE, False), (PLANNABLE, True)):
            for text in texts:
                found.append((text.format(n=number, d=1 + number % 9), fine))
        number += 1
    return found[:500]


def prepared(connection: Connection) -> None:
    connection.execute("create extension pg_trgm")
    for statement in (*PLATFORM.split(";\n"), ACCOUNT):
        connection.execute(statement.encode())


def test_five_hundred_hostile_statements_are_all_accounted_for(connection: Connection) -> None:
    prepared(connection)
    statements = corpus()
    row = connection.execute("select account(%s)", [[text for text, _ in statements]]).fetchone()
    assert row is not None
    reasons = {int(number): reason for number, reason in row[0]["skipped"]}
    planned = set(map(int, row[0]["planned"]))
    for number, (text, fine) in enumerate(statements, start=1):
        assert number in planned or reasons.get(number), text[:100]
        if fine is False:
            assert reasons.get(number), text[:100]
        if fine is True and number in reasons:
            assert "index unproven" in reasons[number], (text[:100], reasons[number])
    left = connection.execute(
        "select (select count(*) from hypopg_list_indexes), to_regclass('y') is not null, "
        "(select count(*) from pg_class where relpersistence = 't'), "
        "(select count(*) from pg_prepared_statements where name like 'wedding%')"
    ).fetchone()
    assert left == (0, True, 0, 0)


# A GiST page is split at random, so its size differs a little from build to build.
def test_the_same_statements_get_the_same_answer_and_a_deadline_ends_the_search(
    connection: Connection,
) -> None:
    prepared(connection)
    texts = [text for text, fine in corpus() if fine][:40]
    ask = (
        "select implementation_sql, case index_type when 'gist' then 0 else estimated_bytes end "
        "from wedding_dbopt.recommend_indexes(%s, time_budget => %s)"
    )
    first = connection.execute(ask, [texts, "10 min"]).fetchall()
    assert first
    assert connection.execute(ask, [texts, "10 min"]).fetchall() == first
    assert connection.execute(ask, [texts, "1 microsecond"]).fetchall() == []


def test_where_time_does_not_reach_for_all_the_weightiest_statements_are_advised(
    connection: Connection,
) -> None:
    prepared(connection)
    connection.execute(
        """create function hurried(queries text[], weights float8[]) returns setof text language plpython3u as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
from itertools import count
from wedding_dbopt.database import SpiDatabase
from wedding_dbopt.tuning.recommend import recommend
looks = count()
found = recommend(SpiDatabase(plpy), queries, weights, None, "1 s", 3, False, lambda: next(looks) * 0.002)
return [row["implementation_sql"] for row in found]
$$"""
    )
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    texts = [f"select name from guests where email = '{number}'" for number in range(100)]
    texts[70] = "select * from guests where name = 'x'"
    weights = [1000.0 if number == 70 else 1.0 for number in range(100)]
    advised = " ".join(sql for (sql,) in connection.execute("select hurried(%s, %s)", [texts, weights]))
    assert '("name")' in advised and '"email"' in advised
    assert "queries[100] is left out: the time limit came first" not in told and len(told) == 21
    assert told[0].endswith("is left out: the time limit came first")
    assert not any("queries[71]" in text for text in told)


def test_a_statement_that_cannot_be_read_is_left_out_with_a_warning(connection: Connection) -> None:
    said: list[str] = []
    connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
    assert (
        connection.execute("select * from wedding_dbopt.recommend_indexes(array['selec'])").fetchall() == []
    )
    assert any(text.startswith("queries[1] is left out: ") for text in said), said


def test_similarity_and_alternatives_of_one_search_get_their_index(connection: Connection) -> None:
    connection.execute("create extension pg_trgm")
    connection.execute(
        "create table songs as select g as id, md5(g::text) as title, "
        "md5(g::text) || ' ' || g % 5000 as words from generate_series(1, 30000) g"
    )
    connection.execute("vacuum analyze songs")
    words = "to_tsvector('english', words)"
    for condition, expected in (
        ("title % 'c4ca4238a0b923820dcc509a6f75849b'", "gin_trgm_ops"),
        ("title % $1", "gin_trgm_ops"),
        ("title like '%abcde%' or title like '%bcdef%'", "gin_trgm_ops"),
        (f"{words} @@ to_tsquery('english', '7') or {words} @@ to_tsquery('english', '8')", "TSVECTOR"),
        (f"{words} @@ to_tsquery('english', $1) or {words} @@ to_tsquery('english', $2)", "TSVECTOR"),
    ):
        query = f"select * from songs where {condition}"
        ask = "select implementation_sql from wedding_dbopt.recommend_indexes(array[%s])"
        [(made,)] = connection.execute(ask, [query]).fetchall()
        assert "USING gin" in made and expected in made, condition
        with connection.transaction(force_rollback=True):
            connection.execute(made.replace(" CONCURRENTLY", "").encode())
            bound = query.replace("$1", "'abcdefgh'").replace("$2", "'9'")
            plan = connection.execute(f"explain {bound}".encode()).fetchall()
        assert any("Bitmap Index Scan" in line[0] for line in plan), (condition, plan)


def test_a_text_that_waits_for_an_index_is_told_with_it(connection: Connection) -> None:
    connection.execute(
        "create table calls as select g as id, now() - g * 7919 % 90000 * interval '10 minutes' as at, "
        "repeat('x', 60) as note from generate_series(1, 60000) g"
    )
    connection.execute("vacuum analyze calls")
    said: list[str] = []
    connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
    ask = "select implementation_sql from wedding_dbopt.recommend_indexes(array[%s, %s])"
    plain = "select * from calls where id = 7 or id = 8"
    [(made,)] = connection.execute(
        ask, ["select * from calls where at::date = '2024-05-05'", plain]
    ).fetchall()
    assert '("id")' in made
    [told] = said
    assert told.startswith(
        "queries[1] gets no index as it is written. With the text select * from calls where at >= "
    )
    assert 'USING btree ("at")' in told
    connection.execute(made.replace(" CONCURRENTLY", "").encode())
    said.clear()
    assert connection.execute(ask, [plain, plain]).fetchall() == [] and not said


def test_each_statement_that_gets_no_advice_is_told_with_its_number_and_the_reason(
    connection: Connection,
) -> None:
    prepared(connection)
    told: list[tuple[str | None, ...]] = []
    connection.add_notice_handler(
        lambda notice: told.append(
            (notice.sqlstate, notice.message_primary, notice.message_detail, notice.message_hint)
        )
    )
    ask = "select implementation_sql from wedding_dbopt.recommend_indexes(%s)"
    texts = [
        "select * from nowhere where a = 1",
        "selec",
        "select * from guests where name = 'x'",
        " except ".join(["select id from guests"] * 400),
        f"select 1 from guests where {' or '.join(f'email = {n}::text' for n in range(1000))}",
    ]
    advised = {sql.split('("')[1].split('"')[0] for (sql,) in connection.execute(ask, [texts]).fetchall()}
    assert advised == {"name", "email"}
    assert [state for state, *_ in told] == ["WD005", "WD003", "54001"]
    assert told[0][1:3] == (
        "queries[1] is left out: PostgreSQL cannot plan this statement (42P01)",
        'relation "nowhere" does not exist',
    )
    assert "search_path" in str(told[0][3])
    assert str(told[1][1]).startswith("queries[2] is left out: ")
    assert str(told[2][1]).startswith("queries[4] is left out: The statement is nested too deeply")
    told.clear()
    assert connection.execute(ask, [["selec"] * 50]).fetchall() == []
    assert [text for _, text, *_ in told[19:]] == [
        "queries[20] is left out: The text does not begin as a statement",
        "30 more are left out, from queries[21] to queries[50]",
    ]


def test_an_index_that_is_there_is_not_advised_again(connection: Connection) -> None:
    prepared(connection)
    ask = "select implementation_sql from wedding_dbopt.recommend_indexes(array[%s])"
    for query in (
        "select * from guests where name like '%abcdef%'",
        "select * from guests where email like 'abcdef%'",
        "select * from guests where facts @> $1",
        "select * from guests where stay && $1",
    ):
        found = connection.execute(ask, [query]).fetchall()
        assert len(found) == 1, query
        made = found[0][0]
        connection.execute(made.encode())
        assert connection.execute(ask, [query]).fetchall() == [], query


def test_the_rare_values_of_a_skewed_column_are_seen_behind_a_parameter(connection: Connection) -> None:
    connection.execute(
        "create table letters as select g as id, "
        "case when g % 2000 = 0 then 'open' else (array['sent', 'paid'])[1 + g % 2] end as state, "
        "repeat('x', 100) as body from generate_series(1, 100000) g"
    )
    connection.execute("vacuum analyze letters")
    ask = "select implementation_sql, reason, benefits from wedding_dbopt.recommend_indexes(array[%s])"
    [found] = connection.execute(ask, ["select * from letters where state = $1"]).fetchall()
    assert '("state")' in found[0]
    assert "with rare values" in found[1]
    assert [entry["statement_id"] for entry in found[2]] == ["1"]
    connection.execute("create index open_letters on letters (id) where state = 'open'")
    connection.execute("analyze letters")
    [found] = connection.execute(ask, ["select * from letters where state = $1 and id = $2"]).fetchall()
    assert "cannot use the existing partial index open_letters" in found[1]


def test_the_value_of_most_rows_is_not_promised_what_the_average_one_gains(connection: Connection) -> None:
    connection.execute(
        "create table files as select g as id, case when g % 20 = 0 then g else 1 end as owner, "
        "repeat('x', 100) as body from generate_series(1, 100000) g"
    )
    connection.execute("vacuum analyze files")
    ask = "select estimated_improvement::float8, reason from wedding_dbopt.recommend_indexes(array[%s])"
    [(promised, reason)] = connection.execute(ask, ["select * from files where owner = $1"]).fetchall()
    assert promised == pytest.approx(75, abs=2)
    assert "With common values it stays as it is." in reason


def test_the_caller_is_told_why_a_search_index_has_no_proof(connection: Connection) -> None:
    connection.execute(
        "create table plates as select g as id, md5(g::text) as plate from generate_series(1, 50000) g"
    )
    connection.execute("vacuum analyze plates")
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    texts = ["select 1", "select id from plates where plate like '%abc12%'"]
    ask = "select table_name from wedding_dbopt.recommend_indexes(%s)"
    assert connection.execute(ask, [texts]).fetchall() == []
    assert len(told) == 1
    assert told[0].startswith(
        "queries[2]: GIN index unproven: an index of trigrams needs the extension pg_trgm"
    )


def test_a_table_with_enough_indexes_gets_no_more_and_the_caller_is_told(connection: Connection) -> None:
    connection.execute("create table full_house (id int primary key, vendor int, note text)")
    connection.execute(
        "insert into full_house select g, g % 5000, repeat('x', 80) from generate_series(1, 30000) g"
    )
    connection.execute("vacuum analyze full_house")
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    advised = "select table_name from wedding_dbopt.recommend_indexes(array['select * from full_house where vendor = 5'])"
    assert connection.execute(advised.encode()).fetchall() == [("full_house",)] and not told
    connection.execute("select wedding_dbopt.set_setting('indexes_per_table', '1')")
    assert connection.execute(advised.encode()).fetchall() == []
    assert len(told) == 1 and '("vendor")' in told[0] and "indexes (indexes_per_table)" in told[0]


def test_the_first_load_of_a_table_is_no_usual_writing_but_one_that_is_repeated_is(
    connection: Connection,
) -> None:
    load = "insert into loaded select g, g % 20000 from generate_series(1, 200000) g"
    asked = "select reason from wedding_dbopt.recommend_indexes(array['select * from loaded where b = 7'])"
    connection.execute("create table loaded (a int, b int)")
    connection.execute("call wedding_dbopt.collect()")
    connection.execute(load.encode())
    connection.execute("select pg_stat_force_next_flush()")
    connection.execute("analyze loaded")
    connection.execute("call wedding_dbopt.collect()")
    ((reason,),) = connection.execute(asked.encode()).fetchall()
    assert "The load of 200,000 rows into the new table is not counted as its usual writing." in reason
    for _ in range(2):
        connection.execute("truncate loaded")
        connection.execute(load.encode())
    connection.execute("select pg_stat_force_next_flush()")
    connection.execute("analyze loaded")
    connection.execute("call wedding_dbopt.collect()")
    assert connection.execute(asked.encode()).fetchall() == []


def advised(
    connection: Connection, query: str
) -> tuple[list[tuple[str, float, str, float, int, int]], float, float]:
    """The advice for a statement, and what that costs before and with all made.

    Of each index its text, the percent promised, the reason, the confidence, and the bytes promised and taken.
    """

    def cost() -> float:
        row = connection.execute(f"explain (format json) {query}".encode()).fetchone()
        assert row is not None
        return float(row[0][0]["Plan"]["Total Cost"])

    before = cost()
    ask = (
        "select implementation_sql, estimated_improvement::float8, reason, confidence::float8, estimated_bytes, index_name "
        "from wedding_dbopt.recommend_indexes(array[%s])"
    )
    rows = connection.execute(ask, [query]).fetchall()
    found = []
    with connection.transaction(force_rollback=True):
        for *facts, name in rows:
            connection.execute(facts[0].replace(" CONCURRENTLY", "").encode())
            taken = connection.execute("select pg_relation_size(%s::regclass)", [name]).fetchone()
            found.append((*facts, taken[0] if taken is not None else 0))
        connection.execute("analyze")
        return found, before, cost()


def test_few_rows_that_a_test_of_null_truth_or_difference_keeps_are_found_by_their_predicate(
    connection: Connection,
) -> None:
    connection.execute(
        "create table chores as select g as id, case when g % 500 = 0 then now() + g * interval '1 s' end as done_at, "
        "case when g % 400 = 0 then 'open' else 'done' end as state, nullif(g % 300, 1) <> 0 as fine, "
        "repeat('x', 100) as body from generate_series(1, 60000) g"
    )
    connection.execute("vacuum analyze chores")
    for condition in (
        "done_at is not null",
        "state <> 'done'",
        "state not in ('done', 'held')",
        "state is distinct from 'done'",
        "fine is null",
        "fine is not true",
        "not fine",
    ):
        for columns in ("*", "id", "count(*)"):
            [(made, promised, *_)], before, after = advised(
                connection, f"select {columns} from chores where {condition}"
            )
            assert " WHERE " in made and promised > 95, (condition, made)
            assert after < 0.05 * before, (condition, made)
    for condition in ("state <> 'open'", "done_at is null", "fine is not false"):
        assert not advised(connection, f"select * from chores where {condition}")[0]


def test_what_an_equality_with_an_expression_keeps_is_counted_before_it_is_promised(
    connection: Connection,
) -> None:
    connection.execute(
        "create table visits as select g as id, date '2023-01-01' + g / 70 as day, "
        "timestamp '2023-01-01' + g * 7919 % 900000 * interval '1 minute' as at, "
        "case when g % 500 = 0 then 'abc' else substr(md5(g::text), 1, 8 + g % 20) end as name, "
        "repeat('x', 80) as body from generate_series(1, 70000) g"
    )
    connection.execute("vacuum analyze visits")
    # Two fifths of the rows lie in a year, among them the last ones of the table: no index pays.
    for year in (2023, 2025):
        query = f"select * from visits where extract(year from day) = {year}"
        found, before, after = advised(connection, query)
        assert not found or found[0][1] < 35, query
    for condition, columns in (
        ("length(name) = 3", "*"),
        ("length(name) = 3", "count(*)"),
        ("length(name) = 15", "*"),
        ("length(name) between 2 and 5", "*"),
        ("lower(name) = 'x'", "*"),
        ("lower(name) = 'abc'", "*"),
        ("date_trunc('month', at) = '2023-05-01'", "*"),
        ("at::date = '2023-05-05'", "*"),
    ):
        query = f"select {columns} from visits where {condition}"
        [(made, promised, reason, sure, bytes_, taken)], before, after = advised(connection, query)
        assert promised == pytest.approx(100 * (1 - after / before), abs=10), (query, made)
        assert bytes_ == pytest.approx(taken, rel=0.15), (query, made)
        assert sure == 0.8 and "By a sample of the table" in reason
    [(_, _, reason, sure, *_)], _, _ = advised(connection, "select * from visits where id::oid = 7")
    assert sure == 0.5 and "is the planner's guess: no sample of the table tells it" in reason
