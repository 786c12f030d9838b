"""Random statements, as they are and rewritten: the same rows, names and types, no crash, and nothing run that is only planned.

    python -m tests.bench.run roundtrip                     20,000 statements of the default seed
    COUNT=500 SEED=7 python -m tests.bench.run roundtrip    fewer, others

All rules of the highest level are used, whether they pay or not, in their order and in a random one. Each statement runs on
several databases: the wedding platform with rows generated under its constraints, and the tables of the rules' fixtures.
Every 25th statement also goes through analyze_query, which must return it byte for byte and run nothing.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import ExecStatus

from tests.bench.measure import Session as Connection
from tests.bench.random_statements import Grammar
from tests.bench.random_tests import Column, Table
from tests.cluster import Cluster
from tests.session import Session

ROOT = Path(__file__).parents[1]
COUNT = 20_000
SEED = 20261129
ANALYSED = 25
ZONES = ("UTC", "Atlantic/Azores", "America/Havana", "Europe/Berlin", "Pacific/Kiritimati")
#: The platform's generated rows come from these recipes, by name.
RECIPES = ("more rows", "duplicates and ties", "mostly NULL", "clocks go back over midnight")

_COLUMNS = """
select c.relname, a.attname,
       case when t.typtype = 'e' then 'enum' when t.typcategory = 'A' then 'ARRAY'
            else regexp_replace(format_type(a.atttypid, null), '\\(.*', '') end,
       not a.attnotnull, format_type(a.atttypid, null)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
  and exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
order by c.relname, a.attnum
"""
_KEYS = """
select c.conrelid::regclass::text, c.contype, c.confrelid::regclass::text,
       array(select a.attname::text from unnest(c.conkey) with ordinality k(n, place)
             join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n order by place),
       array(select a.attname::text from unnest(c.confkey) with ordinality k(n, place)
             join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n order by place)
from pg_constraint c where c.contype in ('p', 'f') and c.connamespace = current_schema()::regnamespace
"""


@dataclass
class Count:
    """What came of the statements."""

    statements: int = 0
    invalid: Counter[str] = field(default_factory=Counter)
    rewritten: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    together: int = 0
    with_rows: int = 0
    fragile: int = 0
    analysed: int = 0
    offered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    rewrite_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """What a statement returned: column names and types, rows, or the SQLSTATE."""

    columns: tuple[tuple[bytes, int, int], ...]
    rows: tuple[tuple[bytes | None, ...], ...]
    sqlstate: str | None = None


class Place:
    """One schema in several databases with the same tables and other rows."""

    def __init__(self, connections: Sequence[Connection], schema: str) -> None:
        from wedding_dbopt.catalog import Catalog
        from wedding_dbopt.query import Table as Named

        self.connections = connections
        for connection in connections:
            connection.execute(f"set search_path = {schema}, public")
        self.tables = read_tables(connections)
        self.session = Session(connections[0])
        self.path = [schema, "public"]
        names = [row[0] for row in connections[0].execute(
            "select relname from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'v', 'p')", [schema]
        ).fetchall()]  # fmt: skip
        self.catalog = Catalog.load(self.session, [Named(None, name, name) for name in names], self.path)


def read_tables(connections: Sequence[Connection]) -> dict[str, Table]:
    """The tables with a primary key, and values that occur in any of the databases."""
    keys = connections[0].execute(_KEYS).fetchall()
    found: dict[str, list[Column]] = {}
    for table, name, kind, nullable, full in connections[0].execute(_COLUMNS).fetchall():
        values: dict[str, None] = {}
        for connection in connections:
            sample = f'select "{name}"::text from "{table}" where "{name}" is not null order by md5("{name}"::text) limit 8'
            values |= dict.fromkeys(row[0] for row in connection.execute(sample.encode()).fetchall())
        shown = kind if kind != "ARRAY" else full
        found.setdefault(table, []).append(
            Column(name, "ARRAY" if "[]" in shown else kind, nullable, tuple(values))
        )
    return {
        table: Table(
            table,
            tuple(columns),
            next(tuple(own) for name, kind, _, own, _ in keys if name == table and kind == "p"),
            tuple(
                (own[0], parent, there[0])
                for name, kind, parent, own, there in keys
                if name == table and kind == "f" and len(own) == 1 and parent in found
            ),
        )
        for table, columns in found.items()
    }


def fill_platform(connection: Connection, recipe_name: str, seed: int) -> None:
    """Rows under the platform's constraints, full of NULLs, duplicates and edges."""
    from wedding_dbopt.catalog import Catalog
    from wedding_dbopt.query import Table as Named
    from wedding_dbopt.rewrite.constraints import shapes
    from wedding_dbopt.rewrite.edge_values import Constants
    from wedding_dbopt.rewrite.generated_tables import RECIPES as KNOWN
    from wedding_dbopt.rewrite.generated_tables import definitions, generated, parents_first

    session = Session(connection)
    names = [row[0] for row in connection.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    ).fetchall()]  # fmt: skip
    catalog = Catalog.load(session, [Named(None, name, name) for name in names], ["public"])
    made = shapes(session, catalog)
    recipe = next(recipe for recipe in KNOWN if recipe.name == recipe_name)
    constants = Constants(["EUR", "paid", "a", "k", "seats"], ["5", "7"])
    tables = generated(made, constants, recipe, seed)
    listed = {shape.place: f"public.{shape.name}" for shape in made}
    for definition, shape in zip(definitions(made, tables, listed), parents_first(made)):
        body = definition.split(" as materialized ", 1)[1]
        connection.execute(f"insert into {listed[shape.place]} {body} on conflict do nothing".encode())


@dataclass(frozen=True)
class Laboratory:
    """Databases to try statements in."""

    cluster: Cluster
    places: Sequence[Place]
    analysts: Sequence[Connection]


def laboratory(cluster: Cluster, stack: ExitStack, seed: int) -> Laboratory:
    """Make the databases in a running cluster."""
    connections = []
    for number, recipe in enumerate(RECIPES):
        with cluster.connect("postgres") as admin:
            admin.execute(f"create database roundtrip{number}")
        connection = stack.enter_context(cluster.connect(f"roundtrip{number}"))
        connection.execute((ROOT / "workload" / "platform.sql").read_text().encode())
        fill_platform(connection, recipe, seed + number)
        connection.execute("analyze")
        connections.append(connection)
    fixtures = stack.enter_context(cluster.connect("roundtrip0"))
    fixtures.execute("create schema rewriting")
    fixtures.execute("set search_path = rewriting, public")
    fixtures.execute((ROOT / "fixtures" / "rewrite" / "schema.sql").read_text().encode())
    fixtures.execute("analyze")
    connections[0].execute("create extension wedding_dbopt cascade")
    connections[0].execute("create extension hypopg")
    places = [Place(connections, "public"), Place([fixtures], "rewriting")]
    for connection in (*connections, fixtures):
        connection.execute("set statement_timeout = '20s'")
    # Statements are planned under the search_path that their role has, not under the session's.
    connections[0].execute("drop role if exists of_fixtures; create role of_fixtures login superuser")
    connections[0].execute("alter role of_fixtures set search_path = rewriting, public")
    analysts = [
        stack.enter_context(cluster.connect("roundtrip0", user)) for user in ("postgres", "of_fixtures")
    ]
    return Laboratory(cluster, places, analysts)


def result_of(connection: Connection, text: str) -> Result:
    """Run a text as it is; values as the server writes them."""
    answer = connection.pgconn.exec_(text.encode())
    if answer.status != ExecStatus.TUPLES_OK:
        state = answer.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
        return Result((), (), state.decode() if state else "?")
    columns = tuple((answer.fname(n) or b"", answer.ftype(n), answer.fmod(n)) for n in range(answer.nfields))
    rows = tuple(
        tuple(answer.get_value(row, n) for n in range(answer.nfields)) for row in range(answer.ntuples)
    )
    return Result(columns, rows)


def difference(before: Result, after: Result, ordered: bool) -> str | None:
    """What is not the same; an error of the original excuses everything."""
    if before.sqlstate is not None:
        return None
    if after.sqlstate is not None:
        return f"fails with {after.sqlstate}"
    if before.columns != after.columns:
        return f"columns {before.columns} became {after.columns}"
    if Counter(before.rows) != Counter(after.rows):
        lost = list((Counter(before.rows) - Counter(after.rows)).elements())[:2]
        added = list((Counter(after.rows) - Counter(before.rows)).elements())[:2]
        return f"loses {lost}, adds {added}"
    return "the order differs" if ordered and before.rows != after.rows else None


#: Other plans of the same statement: what is computed before what is the planner's choice.
OTHER_PLANS = (
    ("enable_hashjoin",), ("enable_hashjoin", "enable_mergejoin"), ("enable_nestloop",), ("enable_hashagg", "enable_sort"),
)  # fmt: skip


def fails_otherwise(connection: Connection, text: str) -> bool:
    """Whether the original itself fails under another plan: then whether it fails is decided by nobody."""
    for settings in OTHER_PLANS:
        for name in settings:
            connection.execute(f"set {name} = off".encode())
        failed = result_of(connection, text).sqlstate is not None
        for name in settings:
            connection.execute(f"reset {name}".encode())
        if failed:
            return True
    return False


def statements(place: Place, chance: random.Random) -> Iterator[str]:
    grammar = Grammar(place.tables, chance)
    while True:
        yield grammar.statement()


def explore(lab: Laboratory, count: int, seed: int, progress: bool = False) -> Count:
    """Try `count` statements."""
    from wedding_dbopt.errors import DboptError
    from wedding_dbopt.query import Query
    from wedding_dbopt.rewrite.engine import rewrite, rules_of
    from wedding_dbopt.rewrite.facts import Facts

    chance = random.Random(seed)
    made = [statements(place, chance) for place in lab.places]
    found = Count()
    lab.analysts[0].execute("create sequence if not exists public.touched")
    started = time.monotonic()
    shown = 0
    for number in range(count):
        which = number % len(lab.places)
        place = lab.places[which]
        text = next(made[which])
        found.statements += 1
        zone = chance.choice(ZONES)
        shuffled = chance.random() < 0.3
        order = chance.random()
        for connection in place.connections:
            connection.execute(f"set timezone = '{zone}'")
        originals = [result_of(connection, text) for connection in place.connections]
        states = [result.sqlstate for result in originals if result.sqlstate is not None]
        if len(states) == len(originals):
            found.invalid[str(states[0])] += 1
        try:
            query = Query.parse(text)
            facts = Facts.load(place.session, place.catalog, place.path, query.plannable)
            rules = rules_of("aggressive", facts.version)
            if shuffled:
                random.Random(order).shuffle(rules)
                rules = rules[: random.Random(order).randint(1, len(rules))]
            begun = time.perf_counter()
            rewriting = rewrite(query, facts, "aggressive", rules)
            found.rewrite_ms.append(1000 * (time.perf_counter() - begun))
        except DboptError as error:
            found.refused[error.sqlstate] += 1
            continue
        except Exception as error:  # every other failure is a crash to be counted
            found.failures.append(f"crash {error!r}: {text}")
            continue
        found.with_rows += any(result.rows for result in originals)
        if rewriting.steps:
            found.rewritten += 1
            names = {step.rule for step in rewriting.steps}
            found.fired.update(names)
            found.together += len(names) > 1
            for connection, before in zip(place.connections, originals):
                after = result_of(connection, rewriting.text)
                ordered = " order by " in text and (" limit " in text)
                wrong = difference(before, after, ordered)
                if wrong is not None and after.sqlstate is not None and fails_otherwise(connection, text):
                    found.fragile += 1
                    break
                if wrong is not None:
                    steps = ", ".join(sorted(names))
                    found.failures.append(
                        f"[{zone}] {wrong}\n    {text}\n    {rewriting.text}\n    by {steps}"
                    )
                    break
        if number % ANALYSED == 0:
            analyse(lab, place, which, text, originals, found)
        if progress and (number + 1) % 1000 == 0:
            print(
                f"  {number + 1} statements, {found.rewritten} rewritten, {len(found.failures)} failures, "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
            for failure in found.failures[shown:]:
                print(f"  ! {failure}", flush=True)
            shown = len(found.failures)
    return found


def analyse(
    lab: Laboratory, place: Place, which: int, text: str, originals: Sequence[Result], found: Count
) -> None:
    """Send a statement through analyze_query, with a call in it that would show if it were run."""
    analyst = lab.analysts[which]
    analyst.execute(f"set timezone = '{place.connections[0].execute('show timezone').fetchone()[0]}'")  # type: ignore[index]
    marked = f"select marked.* from ({text}) marked where nextval('public.touched') > 0"
    for asked in (text, marked):
        try:
            row = analyst.execute(
                "select wedding_dbopt.analyze_query(%s, optimization_level => 'aggressive')", [asked]
            ).fetchone()
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith("WD"):
                found.failures.append(f"analyze_query fails with {error.sqlstate}: {asked}")
            found.refused[str(error.sqlstate)] += 1
            continue
        assert row is not None
        found.analysed += 1
        answer: dict[str, Any] = row[0]
        if answer["original_query"] != asked:
            found.failures.append(f"the original came back changed: {asked}")
        if asked is text and answer["optimized_query"] != text:
            found.offered += 1
            after = result_of(place.connections[0], answer["optimized_query"])
            wrong = difference(originals[0], after, False)
            if wrong is not None:
                found.failures.append(f"analyze_query: {wrong}\n    {text}\n    {answer['optimized_query']}")
    if analyst.execute("select is_called from public.touched").fetchone() != (False,):
        found.failures.append(f"a statement that should only be planned was run: {marked}")
        analyst.execute("alter sequence public.touched restart")


def report(found: Count) -> None:
    """Print the figures."""
    times = sorted(found.rewrite_ms)
    invalid = sum(found.invalid.values())
    print(
        f"  statements {found.statements:,}; {invalid:,} refused by the server; {found.with_rows:,} returned rows"
    )
    print(f"  rewritten {found.rewritten:,}, by several rules {found.together:,}")
    print(f"  fail in another form, and as they are under another plan: {found.fragile}")
    print(f"  analysed {found.analysed:,}, of which {found.offered:,} were offered in another form")
    if times:
        print(
            f"  a rewrite takes {times[len(times) // 2]:.1f} ms, p95 {times[int(0.95 * len(times))]:.1f} ms"
        )
    for name, number in found.fired.most_common():
        print(f"    {name:45} {number:7,}")
    print(f"  result differences, crashes, statements run that should not: {len(found.failures)}")
    for failure in found.failures[:20]:
        print(f"  ! {failure}")
    if found.invalid:
        print(f"  refused by the server, by SQLSTATE: {dict(found.invalid)}; by us: {dict(found.refused)}")


def run() -> None:
    count, seed = int(os.environ.get("COUNT", COUNT)), int(os.environ.get("SEED", SEED))
    print(f"  seed {seed}", flush=True)
    with Cluster() as cluster, ExitStack() as stack:
        report(explore(laboratory(cluster, stack, seed), count, seed, progress=True))
