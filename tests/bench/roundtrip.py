"""Random statements, as they are and rewritten: the same rows, names and types, no crash, and nothing run that is only planned.

    python -m tests.bench.run roundtrip                     20,000 statements of the default seed
    COUNT=500 SEED=7 python -m tests.bench.run roundtrip    fewer, others

All rules of the highest level are used, whether they pay or not, in their order and in a random one. Each statement runs on
several databases: the wedding platform with rows generated under its constraints, and the tables of the rules' fixtures.
One with parameters is prepared in both forms and runs with several sets of constants; one that writes is rolled back.
Every 25th statement also goes through analyze_query, which must return it byte for byte and run nothing; every 100th is
measured too: the referee must find no difference, and must not run what writes.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.bench.laboratory import Laboratory, Place, laboratory
from tests.bench.measure import Session as Connection
from tests.bench.outcome import Result, differences, fails_otherwise, is_open, results_of
from tests.bench.random_statements import Grammar, Statement
from tests.cluster import Cluster

COUNT = 20_000
SEED = 20261129
ANALYSED = 25
MEASURED = 100
ZONES = ("UTC", "Atlantic/Azores", "America/Havana", "Europe/Berlin", "Pacific/Kiritimati")


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
    open: int = 0
    parameters: int = 0
    writes: int = 0
    analysed: int = 0
    measured: int = 0
    offered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    rewrite_ms: list[float] = field(default_factory=list)


def statements(place: Place, chance: random.Random) -> Iterator[Statement]:
    grammar = Grammar(place.tables, chance, place.path[0])
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
    started = time.monotonic()
    shown = 0
    for number in range(count):
        which = number % len(lab.places)
        place = lab.places[which]
        statement = next(made[which])
        text = statement.text
        found.statements += 1
        found.parameters += bool(statement.types)
        found.writes += statement.written is not None
        zone = chance.choice(ZONES)
        shuffled = chance.random() < 0.3
        order = chance.random()
        for connection in place.connections:
            connection.execute(f"set timezone = '{zone}'")
        originals = [results_of(connection, statement, text) for connection in place.connections]
        if all(all(result.sqlstate is not None for result in results[-1:]) for results in originals):
            found.invalid[str(originals[0][-1].sqlstate)] += 1
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
        found.with_rows += any(
            result.rows for results in originals for result in results[bool(statement.types) :]
        )
        if rewriting.steps:
            found.rewritten += 1
            names = {step.rule for step in rewriting.steps}
            found.fired.update(names)
            found.together += len(names) > 1
            for connection, before in zip(place.connections, originals):
                after = results_of(connection, statement, rewriting.text)
                wrong = differences(before, after, statement.ordered)
                failed = any(result.sqlstate is not None for result in after)
                if wrong is not None and failed and fails_otherwise(connection, statement):
                    found.fragile += 1
                    break
                if (
                    wrong is not None
                    and not failed
                    and is_open(connection, statement, list(place.tables), before)
                ):
                    found.open += 1
                    break
                if wrong is not None:
                    steps = ", ".join(sorted(names))
                    found.failures.append(
                        f"[{zone}] {wrong}\n    {text}\n    {rewriting.text}\n    by {steps}"
                        f"\n    {statement.types} {statement.values}"
                    )
                    break
        if number % ANALYSED == 0:
            analyse(lab, place, which, statement, originals[0], found, number % MEASURED == 0)
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
    lab: Laboratory,
    place: Place,
    which: int,
    statement: Statement,
    originals: Sequence[Result],
    found: Count,
    measured: bool,
) -> None:
    """Send a statement through analyze_query; where it reads, also with a call in it that would show if it were run."""
    analyst, text = lab.analysts[which], statement.text
    analyst.execute(f"set timezone = '{place.connections[0].execute('show timezone').fetchone()[0]}'")  # type: ignore[index]
    marked = f"select marked.* from ({text}) marked where nextval('public.touched') > 0"
    for asked in (text, marked) if statement.written is None else (text,):
        answer = _analysed(analyst, asked, measured, found)
        if answer is None:
            continue
        if answer["original_query"] != asked:
            found.failures.append(f"the original came back changed: {asked}")
        verdict = answer["referee"]
        found.measured += verdict is not None
        if verdict is not None and verdict["verdict"] == "different":
            found.failures.append(
                f"the referee finds a difference: {asked}\n    {verdict}\n    {answer['reason']}"
            )
        if asked is text and answer["optimized_query"] != text:
            found.offered += 1
            after = results_of(place.connections[0], statement, answer["optimized_query"])
            wrong = differences(originals, after, statement.ordered)
            if wrong is not None:
                found.failures.append(f"analyze_query: {wrong}\n    {text}\n    {answer['optimized_query']}")
    if analyst.execute("select is_called from public.touched").fetchone() != (False,):
        found.failures.append(f"a statement that should only be planned was run: {text}")
        analyst.execute("alter sequence public.touched restart")


def _analysed(analyst: Connection, asked: str, measured: bool, found: Count) -> dict[str, Any] | None:
    """The answer of analyze_query, None where it refuses."""
    try:
        row = analyst.execute(
            "select wedding_dbopt.analyze_query(%s, optimization_level => 'aggressive', measure => %s)",
            [asked, measured],
        ).fetchone()
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith("WD"):
            found.failures.append(f"analyze_query fails with {error.sqlstate}: {asked}")
        found.refused[str(error.sqlstate)] += 1
        return None
    assert row is not None
    found.analysed += 1
    answer: dict[str, Any] = row[0]
    return answer


def report(found: Count) -> None:
    """Print the figures."""
    times = sorted(found.rewrite_ms)
    invalid = sum(found.invalid.values())
    print(
        f"  statements {found.statements:,}; {invalid:,} refused by the server; {found.with_rows:,} returned rows"
    )
    print(f"  with parameters {found.parameters:,}; that write {found.writes:,}")
    print(f"  rewritten {found.rewritten:,}, by several rules {found.together:,}")
    print(f"  fail in another form, and as they are under another plan: {found.fragile}")
    print(f"  differ, and so do they themselves when rows lie in another order: {found.open}")
    print(
        f"  analysed {found.analysed:,}, of which {found.offered:,} were offered in another form "
        f"and {found.measured:,} looked at by the referee"
    )
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
