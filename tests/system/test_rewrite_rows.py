"""Rewritten statements return the rows of the original, in zones where clocks change at midnight."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest
from wedding_dbopt.catalog import Catalog
from wedding_dbopt.query import Query, Table
from wedding_dbopt.rewrite.engine import name_of, rewrite, untouchable
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.rules import RULES, Rule

from tests.bench.corpus import cases, load, rows_of, same
from tests.session import Session

FIXTURES = Path(__file__).parents[1] / "fixtures" / "rewrite"
ZONES = ("UTC", "Atlantic/Azores", "America/Havana", "Pacific/Kiritimati", "<+23:59>-23:59")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
SHAPES = ("{}", "not {}", "{} or id < 9", "not ({} and paid)", "({}) is null or {}")
LEFT_AND_CONSTANTS = {
    "date(created)": [
        "'2026-05-02'",
        "'2026-01-01'::date",
        "date '9998-12-31'",
        "'2026-5-2'",
        "'0001-01-01'",
    ],
    "confirmed::date": ["'2026-10-25'", "'2026-11-01'", "date '2026-10-24'", "'infinity'"],
    "wedding::date": ["'2026-05-02'", "'2024-02-29'"],
    "extract(year from created)": ["2026", "1", "9997", "9998", "2025.5", "-2026"],
    "date_part('year', wedding)": ["2026", "2024", "0"],
    "date_trunc('month', created)": ["'2026-05-01'", "'2026-05-02'", "timestamp '2026-06-01 00:00'"],
    "date_trunc('week', created)": ["'2026-04-27'", "date '2026-05-04'", "'2026-05-02'"],
    "date_trunc('day', created)": ["'2026-05-02 00:00:00'", "'2025-12-31'"],
    "coalesce(status, 'open')": ["'open'", "'paid'", "''", "'Open'"],
    "coalesce(priority, 0)": ["0", "1", "-1", "4"],
    "coalesce(price, 7)": ["7", "100", "0"],
    "coalesce(paid, false)": ["true", "false"],
    "coalesce(note, 'a')": ["'a '", "'b'", "'abc'"],
    "id::text": ["'7'", "'07'", "'-7'", "'99999999999999999999'"],
    "priority::varchar": ["'-3'", "'0'", "'-0'"],
    "id": ["7.0", "7.5", "0.", "600.00"],
    "priority": ["3.0", "4000000000.0"],
    "to_char(created, 'YYYY-MM')": ["'2026-05'", "'2026-13'"],
    "to_char(wedding, 'YYYY')": ["'2026'", "'0044'"],
    "to_char(confirmed, 'YYYY-MM-DD')": ["'2026-10-25'", "'2026-11-01'"],
    "date_trunc('month', confirmed)": ["'2026-10-01'", "'2026-10-25'"],
    "date_trunc('day', confirmed)": ["'2026-10-25'", "date '2026-11-01'"],
    "extract(year from confirmed)": ["2026", "2025"],
    "extract(epoch from confirmed)": ["1792800000", "1792837800"],
    "extract(epoch from created)": ["1777680000", "0"],
    "(confirmed at time zone 'America/Havana')": ["'2026-11-01 00:30'", "'2026-10-25'"],
    "(confirmed at time zone 'Atlantic/Azores')::date": ["'2026-10-25'", "'2026-11-01'"],
    "created + interval '30 days'": ["'2026-06-01'", "timestamp '2026-05-31 23:59:59'"],
    "wedding - interval '1 day 2 hours'": ["'2026-05-01'", "date '2026-05-01'"],
    "confirmed + interval '2 days'": ["now()"],
    "created - interval '5 hours'": ["now()"],
    "id / 100": ["0", "3", "7.0"],
    "priority / 2": ["0", "1"],
    "nullif(status, 'open')": ["'open'", "'paid'"],
    "nullif(priority, 0)": ["0", "3"],
    "left(status, 2)": ["'pa'", "'%a'", "'o'"],
    "substring(note from 1 for 1)": ["'a'", "' '"],
    "case when paid then 1 else 0 end": ["1", "0"],
    "case when priority > 1 then true else false end": ["true", "false"],
}


@pytest.fixture
def wedding(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """The connection, in a schema with the tables of the fixtures."""
    connection.execute("create schema rewriting")
    connection.execute("set search_path = rewriting")
    connection.execute((FIXTURES / "schema.sql").read_text())
    return connection


def fixture_pairs() -> Iterator[tuple[Rule, str, str]]:
    for rule in RULES:
        lines = (FIXTURES / f"{name_of(rule)}.sql").read_text().splitlines()
        text = "\n".join(line for line in lines if not line.startswith("--")) + "\n"
        statements = [part.strip() for part in text.split(";\n") if part.strip()]
        for before, after in zip(statements[::2], statements[1::2]):
            yield rule, before, before if after == "UNCHANGED" else after


def facts_of(connection: psycopg.Connection[Any], query: Query) -> Facts:
    catalog = Catalog.load(Session(connection), query.tables, ["rewriting"])
    return Facts.load(Session(connection), catalog, ["rewriting"], query.text)


def rows(connection: psycopg.Connection[Any], text: str) -> tuple[list[str], list[Any]]:
    """Return the column names and the rows as text; nothing that the statement does is kept."""
    with connection.transaction(force_rollback=True):
        cursor = connection.execute(f"with result as materialized ({text}) select result::text from result")
        found = [row[0] for row in cursor.fetchall()]
        names = [column.name for column in connection.execute(text).description or ()]
    return names, found


def assert_same_rows(
    connection: psycopg.Connection[Any], before: str, after: str, zones: Sequence[str] = ZONES
) -> None:
    for zone in zones:
        connection.execute(f"set timezone = '{zone}'")
        names, expected = rows(connection, before)
        new_names, found = rows(connection, after)
        assert names == new_names
        assert Counter(found) == Counter(expected), f"{zone}: {before} -> {after}"
        if "order by" in before:
            assert found == expected, f"{zone}: {before} -> {after}"


def test_fixtures_keep_their_rows(wedding: psycopg.Connection[Any]) -> None:
    for rule, before, after in fixture_pairs():
        query = Query.parse(before)
        rewriting = rewrite(query, facts_of(wedding, query), "aggressive", [rule])
        assert rewriting.text == after
        if before != after and not query.parameter_count and "now()" not in before:
            assert_same_rows(wedding, before, after)


@pytest.mark.parametrize(
    ("made", "stays"),
    [
        ("function date(text) returns date language sql immutable as 'select current_date'", "date(created) = '2026-05-02'"),
        ("function same(text, text) returns boolean language sql as 'select true'; "
         "create operator = (leftarg = text, rightarg = text, function = same)", "created::date = '2026-05-02'"),
        ("function roll() returns integer language sql volatile as 'select 1'", "id::text = '7' and roll() = 1"),
        ("function holds(text[], text[]) returns boolean language sql as 'select true'; "
         "create operator @> (leftarg = text[], rightarg = text[], function = holds)", "'a' = any (tags)"),
    ],
)  # fmt: skip
def test_what_the_search_path_redefines_stays(
    wedding: psycopg.Connection[Any], made: str, stays: str
) -> None:
    query = Query.parse(f"select id from {'events' if 'tags' in stays else 'bookings'} where {stays}")
    assert rewrite(query, facts_of(wedding, query), "aggressive").steps or "roll" in stays
    wedding.execute(f"create {made}")
    assert not rewrite(query, facts_of(wedding, query), "aggressive").steps


def test_parameters_keep_their_types(wedding: psycopg.Connection[Any]) -> None:
    def types(text: str) -> Any:
        wedding.execute("deallocate all")
        wedding.execute(f"prepare p as {text}".encode())
        found = wedding.execute(
            "select parameter_types::text from pg_prepared_statements where name = 'p'"
        ).fetchone()
        return found and found[0]

    wedding.prepare_threshold = None
    pairs = [(before, after) for _, before, after in fixture_pairs() if before != after and "$" in before]
    assert len(pairs) >= 7
    for before, after in pairs:
        assert types(before) == types(after), before


@pytest.mark.parametrize(
    "text",
    [
        "with c as (select d.id, d.luck from {view} d) select x.id from c x join c y on x.id = y.id where x.luck <> y.luck",
        "select o.id, (select count(*) from {view} d where d.vendor_id = o.id and d.luck < 0.5) as a from vendors o",
    ],
)
def test_a_view_that_draws_lots_is_read_as_often_as_before(
    wedding: psycopg.Connection[Any], text: str
) -> None:
    def reason(view: str) -> str | None:
        query = Query.parse(text.replace("{view}", view))
        catalog = Catalog.load(Session(wedding), query.tables, ["rewriting"])  # type: ignore[arg-type]
        facts = Facts.load(Session(wedding), catalog, ["rewriting"], query.text)  # type: ignore[arg-type]
        assert bool(rewrite(query, facts, "aggressive").steps) == (untouchable(query, facts) is None)
        return untouchable(query, facts)

    for view in ("drawn", "drawn_again"):
        assert "A view that it reads calls random()" in str(reason(view))
    wedding.execute(
        "create or replace view drawn as select id, vendor_id, id / 600.0::float8 as luck from bookings"
    )
    assert reason("drawn_again") is None


def test_the_catalogue_of_the_unit_tests_is_that_of_the_server(wedding: psycopg.Connection[Any]) -> None:
    stored = json.loads((FIXTURES / "catalog.json").read_text())
    if wedding.info.server_version >= 180000:  # it takes no foreign key between these collations any more
        (spelled,) = (table for table in stored if table["name"] == "spelled")
        spelled["foreign_keys"] = []
    assert json.loads(json.dumps(catalogue_rows(wedding))) == stored


def catalogue_rows(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """Return what is read of the fixtures' tables, without numbers that differ from run to run."""
    names = connection.execute(
        "select relname from pg_class where relkind in ('r', 'v') and relnamespace = 'rewriting'::regnamespace"
    )
    tables = [Table("rewriting", name, name) for (name,) in names]
    found = []
    for relation in Catalog.load(Session(connection), tables, ["rewriting"]).relations():
        row = asdict(relation)
        row |= {"oid": 0, "pages": 0}
        row["indexes"] = [index | {"oid": 0, "size_bytes": 0} for index in row["indexes"]]
        unknown = {"null_frac": None, "avg_width": None, "correlation": None,
                   "most_common_vals": (), "most_common_freqs": ()}  # fmt: skip
        row["columns"] = {name: column | unknown for name, column in row["columns"].items()}
        found.append(row)
    return found


def test_every_comparison_in_every_position_keeps_its_rows(wedding: psycopg.Connection[Any]) -> None:
    facts = facts_of(wedding, Query.parse("select 1 from bookings"))
    rewritten = Counter[str]()
    for left, constants in LEFT_AND_CONSTANTS.items():
        tests = [f"{left} {sign} {constant}" for sign in COMPARISONS for constant in constants]
        tests += [f"{constant} {sign} {left}" for sign in COMPARISONS for constant in constants[:2]]
        tests += [f"{left} between {low} and {high}" for low, high in itertools.product(constants, repeat=2)]
        tests.append(f"{left} in ({', '.join(constants)})")
        tests.append(" or ".join(f"{left} = {constant}" for constant in constants))
        for test, shape in list(itertools.product(tests, SHAPES))[::3]:
            before = f"select id from bookings where {shape.format(test, test)}"
            rewriting = rewrite(Query.parse(before), facts, "aggressive")
            if rewriting.steps:
                zones = ZONES[1:3] if "confirmed" in before else ZONES[:1]
                assert_same_rows(wedding, before, rewriting.text, zones)
                rewritten.update({step.rule for step in rewriting.steps})
    assert len(rewritten) >= 7, rewritten


def test_subqueries_over_every_pair_of_columns_keep_their_rows(wedding: psycopg.Connection[Any]) -> None:
    sources = {"vendors": ["id", "score"], "bookings": ["id", "vendor_id", "guest_id", "priority"]}
    sources |= {"guests": ["id", "booking_id"], "parents": ["id"], "numbers": ["code"]}
    columns = [(table, name) for table, names in sources.items() for name in names]
    statements = [f"select distinct {name} from {table}" for table, name in columns]
    for (outer, x), (inner, y) in itertools.product(columns, repeat=2):
        statements.append(f"select {x} from {outer} where {x} not in (select {y} from {inner})")
        statements.append(f"select {x} from {outer} where {x} not in (select {y} from {inner} where {y} > 3)")
        counted = f"(select count(i.{y}) from {inner} i where i.{y} is null or i.{y} = o.{x})"
        statements += [
            f"select o.{x} from {outer} o where {counted} {test}" for test in ("> 0", "= 0", "<> 0")
        ]
    changed = 0
    for before in statements:
        query = Query.parse(before)
        rewriting = rewrite(query, facts_of(wedding, query), "aggressive")
        if rewriting.steps:
            changed += 1
            assert_same_rows(wedding, before, rewriting.text, ZONES[:1])
    assert changed >= 20


@pytest.mark.parametrize("scale", ["0", "0.02"])
def test_corpus_keeps_its_rows(connection: psycopg.Connection[Any], scale: str) -> None:
    """Every rule fires where it can here, whether it pays or not; also over empty tables."""
    load(connection, scale)
    fired = Counter[str]()
    for number, case in enumerate(case for kind in ("profit", "traps", "optimal") for case in cases(kind)):
        connection.execute(f"set search_path = {case.schema}")
        connection.execute(f"set timezone = '{ZONES[number % 4]}'")
        query = Query.parse(case.text)
        catalog = Catalog.load(Session(connection), query.tables, [case.schema])
        facts = Facts.load(Session(connection), catalog, [case.schema], query.text)
        rewriting = rewrite(query, facts, "aggressive")
        fired.update({step.rule for step in rewriting.steps})
        if rewriting.steps:
            before, after = (rows_of(connection, case, text) for text in (case.text, rewriting.text))
            assert same(case, before, after), f"{case.name}: {rewriting.text}"
    assert len(fired) >= 40, sorted(fired)
