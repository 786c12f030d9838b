"""A hundred analytic statements over twenty-five tables: how good and how dear our search is, beside Extend and DB2Advis.

Seven fact tables and eighteen dimensions; statements join a fact, or two, with some dimensions, filter, group, order and
limit, drawn with a fixed seed. All sets are priced by the same evaluator with HypoPG, budgets are in its bytes.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import psycopg

from tests.bench.advisors import Answer, db2advis, extend, ours
from tests.bench.measure import Session
from tests.bench.planner import fixed, priced
from tests.cluster import Cluster

FACTS, DIMENSIONS, STATEMENTS = 7, 18, 100


def schema() -> Iterator[str]:
    for number in range(DIMENSIONS):
        rows = 500 * (1 + number * 7 % 12) ** 2
        yield (
            f"create table dim{number} (dim{number}_id int primary key, d{number}_kind int not null, "
            f"d{number}_region int not null, d{number}_name text not null, d{number}_rank int not null, "
            f"d{number}_since date not null)"
        )
        yield (
            f"insert into dim{number} select g, g * 7919::bigint % 40, g * 104729::bigint % 11, 'name ' || md5(g::text), "
            f"g * 31 % 1000, date '2015-01-01' + g % 3000 from generate_series(1, {rows}) g"
        )
    for number in range(FACTS):
        rows = 60_000 * (1 + number)
        keys = [(number * 5 + place * 3) % DIMENSIONS for place in range(4)]
        columns = ", ".join(f"f{number}_dim{key} int not null" for key in keys)
        values = ", ".join(
            f"1 + g * {1009 + 86 * place}::bigint % {500 * (1 + key * 7 % 12) ** 2}"
            for place, key in enumerate(keys)
        )
        yield (
            f"create table fact{number} (fact{number}_id int primary key, {columns}, f{number}_day date not null, "
            f"f{number}_status text not null, f{number}_amount numeric(12,2) not null, f{number}_units int not null, "
            f"f{number}_code int not null, f{number}_note text not null)"
        )
        yield (
            f"insert into fact{number} select g, {values}, date '2020-01-01' + (g * 37::bigint % 1900)::int, "
            f"'state ' || (g * 13::bigint % 9), g * 17::bigint % 90000 / 7.0, g * 11::bigint % 50, g * 7::bigint % 9001, "
            f"md5(g::text) || md5((g + 1)::text) from generate_series(1, {rows}) g"
        )
    yield "vacuum analyze"


def workload() -> dict[str, str]:
    chance = random.Random(7)
    return {f"s{number:03}": _statement(chance) for number in range(STATEMENTS)}


def _statement(chance: random.Random) -> str:
    fact = chance.randrange(FACTS)
    keys = chance.sample([(fact * 5 + place * 3) % DIMENSIONS for place in range(4)], chance.randint(1, 3))
    tables = [f"fact{fact}", *(f"dim{key}" for key in keys)]
    where = [f"f{fact}_dim{key} = dim{key}_id" for key in keys]
    for key in keys:
        where += chance.sample(
            [
                f"d{key}_kind = {chance.randrange(40)}",
                f"d{key}_region in ({chance.randrange(11)}, {chance.randrange(11)})",
                f"d{key}_rank < {chance.choice([5, 20, 100])}",
                f"d{key}_since >= date '{chance.randint(2016, 2022)}-06-01'",
            ],
            chance.choice([0, 1, 1, 2]),
        )
    start = f"date '{chance.randint(2020, 2024)}-{chance.randint(1, 12):02}-01'"
    where += chance.sample(
        [
            f"f{fact}_day between {start} and {start} + {chance.choice([1, 7, 30, 90])}",
            f"f{fact}_status = 'state {chance.randrange(9)}'",
            f"f{fact}_code = {chance.randrange(9001)}",
            f"f{fact}_units > {chance.choice([30, 45, 48])}",
            f"f{fact}_amount < {chance.choice([10, 200, 4000])}",
        ],
        chance.choice([1, 1, 2]),
    )
    if chance.random() < 0.2:
        other = (fact + 1) % FACTS
        where.append(
            f"exists (select from fact{other} where f{other}_code = f{fact}_code and f{other}_units = {chance.randrange(50)})"
        )
    shape = chance.random()
    group = f"d{keys[0]}_{chance.choice(['kind', 'region'])}"
    body = f"from {', '.join(tables)} where {' and '.join(where)}"
    if shape < 0.6:
        return f"select {group}, sum(f{fact}_amount), count(*) {body} group by {group} order by {group}"
    if shape < 0.8:
        return f"select fact{fact}_id, f{fact}_day, f{fact}_amount, d{keys[0]}_name {body} order by f{fact}_day desc limit 50"
    return f"select count(distinct f{fact}_code), avg(f{fact}_units) {body}"


def run() -> None:
    if dsn := os.environ.get("WAREHOUSE_DSN"):
        with psycopg.connect(dsn, autocommit=True) as session:
            _compare(session)
        return
    with Cluster() as cluster, cluster.connect() as session:
        session.execute("create extension hypopg")
        for statement in schema():
            session.execute(statement.encode())
        _compare(session)


def _compare(session: Session) -> None:
    fixed(session)
    queries = workload()
    row = session.execute(
        "select sum(pg_relation_size(oid))::bigint from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    ).fetchone()
    assert row is not None
    budget = int(row[0]) // 2
    print(f"  {len(queries)} statements, heap {row[0] / 1e6:.0f} MB, budget {budget / 1e6:.0f} MB (HypoPG's)")
    print("  advisor       RC %  geo %  indexes unused    MB  EXPLAINs  wall s  server CPU s")
    mine = _told(session, queries, "ours", ours(session, queries, budget, corrected=False, cost_alone=True))
    theirs = _told(session, queries, "DB2Advis w2", db2advis(session, queries, budget))
    if os.environ.get("WITH_EXTEND"):
        _told(session, queries, "Extend w2", extend(session, queries, budget))
    better = theirs - mine
    print(
        f"  bar: <= 20 s, <= 2,000 EXPLAINs, 5 points better than DB2Advis; here {better:.1f} points better"
    )


def _told(session: Session, queries: dict[str, str], name: str, answer: Answer) -> float:
    found = priced(session, queries, answer.statements, real=False)
    print(
        f"  {name:12} {found.rc:6.2f} {found.geo:6.2f} {len(answer.statements):8} {found.unused:6} {found.bytes / 1e6:5.0f} "
        f"{answer.explains:9} {answer.wall_s:7.1f} {answer.server_cpu_s:13.1f}",
        flush=True,
    )
    return found.rc
