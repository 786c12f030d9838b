"""Rewriting: equal results, how much of an expert's gain is reached, and what it costs; beside sqlglot's optimizer.

Times are CPU time of the server's backend, the best of several runs in turn, so that other load on the machine
matters little. The same statements are timed twice for the noise of the run itself (A/A).
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import sqlglot
import sqlglot.optimizer
from psycopg.rows import dict_row
from wedding_dbopt.catalog import Catalog
from wedding_dbopt.database import Row
from wedding_dbopt.plan import Plan
from wedding_dbopt.query import Query
from wedding_dbopt.rewrite.engine import LEVELS, Rewriting
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.worth import worthwhile

from tests.bench.corpus import SCHEMAS, Case, cases, load, prepare, rows_of, same
from tests.bench.measure import cpu_ms
from tests.cluster import Cluster

TPCH = Path(__file__).parents[1] / "fixtures" / "tpch"
ZONES = ("UTC", "Atlantic/Azores", "America/Havana", "Pacific/Kiritimati", "Europe/Berlin")
ROUNDS = 3
SETTINGS = "set statement_timeout = '60s'; set work_mem = '4MB'; set jit = off; set random_page_cost = 1.1"
Rewriter = Callable[[Case], "str | None"]


class Session:
    """The database port over a connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def query(self, sql: str, types: Any = (), values: Any = ()) -> list[Row]:
        cursor = psycopg.RawCursor(self._connection, row_factory=dict_row)
        cursor.execute(sql, list(values))
        return cursor.fetchall()


@dataclass
class Judged:
    """What a rewriter did over the corpus."""

    name: str
    texts: dict[Case, str] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def run() -> None:
    """Print the table."""
    with Cluster(("pg_stat_statements",), max_parallel_workers_per_gather="0") as cluster:
        connections = {}
        for database, scale in (("large", "1"), ("small", "0.02"), ("empty", "0")):
            with cluster.connect() as admin:
                admin.execute(f"create database {database}")
            connections[database] = cluster.connect(database)
            load(connections[database], scale)
        large = connections["large"]
        large.execute((TPCH / "constrained.sql").read_text())
        large.execute((TPCH / "data.sql").read_text().replace("SCALE", "1"))
        large.execute("vacuum analyze")
        for connection in connections.values():
            connection.execute(SETTINGS)
        corpus = [case for kind in ("profit", "traps", "optimal") for case in cases(kind)]
        tpch = [
            Case("tpch", path.stem, "tpch", "", path.read_text().strip().removesuffix(";"), None)
            for path in sorted(TPCH.glob("q*.sql"))
        ]
        report(connections, corpus, tpch)
        for connection in connections.values():
            connection.close()


def report(connections: dict[str, Any], corpus: list[Case], tpch: list[Case]) -> None:
    large = connections["large"]
    ours = Judged("ours")
    peer = Judged("sqlglot")
    schemas = {schema: schema_of(large, schema) for schema in (*SCHEMAS, "tpch")}
    for judged, rewriter in ((ours, own_rewriter(large)), (peer, peer_rewriter(schemas))):
        for case in [*corpus, *tpch]:
            rewrite_one(judged, case, rewriter, large)
    for case in [*corpus, *tpch]:
        compare((ours, peer), case, connections)
    shares, slower, noise = timed(large, corpus, tpch, ours, peer)
    print(f"  {len(corpus)} statements over {len(SCHEMAS)} schemas: {count(corpus, 'profit')} profitable, "
          f"{count(corpus, 'traps')} traps, {count(corpus, 'optimal')} optimal; {len(tpch)} of TPC-H")  # fmt: skip
    print(
        f"  A/A noise of this run: 95 % of the ratios within 1/{noise[0]:.2f}..{noise[0]:.2f}, largest {noise[1]:.2f}\n"
    )
    print(f"  {'':58} {'sqlglot':>16} {'ours':>16}")
    reached = {name: [share for share in found.values() if share >= 0.5] for name, found in shares.items()}
    for label, figure in (
        ("wrong rows / changed names or types / errors", lambda j: f"{len(j.wrong)} / {len(j.renamed)} / {len(j.errors)}"),
        ("profitable forms reaching half of the gain", lambda j: f"{len(reached[j.name])} of {len(shares[j.name])}"),
        ("mean share of the logarithmic gain", lambda j: f"{statistics.mean(shares[j.name].values()):.2f}"),
        ("slower beyond the noise (corpus / TPC-H)", lambda j: " / ".join(str(len(part)) for part in slower[j.name])),
        ("CPU ms of a rewrite, median", lambda j: f"{statistics.median(j.milliseconds):.1f}"),
        ("CPU ms of a rewrite, p95 (bar 40)", lambda j: f"{statistics.quantiles(j.milliseconds, n=20)[-1]:.1f}"),
        ("wall ms of a rewrite with its plans, median", lambda j: f"{statistics.median(j.waited):.1f}"),
        ("wall ms of a rewrite with its plans, p95", lambda j: f"{statistics.quantiles(j.waited, n=20)[-1]:.1f}"),
        ("TPC-H wrong or failing", lambda j: str(sum(name.startswith("q") for name in j.wrong + j.errors))),
    ):  # fmt: skip
        print(f"  {label:58} {figure(peer):>16} {figure(ours):>16}", flush=True)
    print(
        f"\n  rules of a lower level that a higher one does not take: {unnested(large, [*corpus, *tpch]) or 'none'}"
    )
    for judged in (peer, ours):
        print(f"\n  {judged.name}: wrong {judged.wrong}, renamed {len(judged.renamed)}, errors {judged.errors}, "
              f"slower {slower[judged.name]}")  # fmt: skip
    for name, share in sorted(shares["ours"].items(), key=lambda pair: pair[1])[:15]:
        print(f"  ours reaches {share:5.2f} of {name}")


def count(corpus: list[Case], kind: str) -> int:
    return sum(case.kind == kind for case in corpus)


def own_rewriter(connection: psycopg.Connection[Any]) -> Rewriter:
    def rewriter(case: Case) -> str | None:
        rewriting = rewritten(connection, case, "aggressive")
        return rewriting.text if rewriting.steps else None

    return rewriter


def rewritten(connection: psycopg.Connection[Any], case: Case, level: str) -> Rewriting:
    """What a level offers, by the planner's cost."""
    session, query = Session(connection), Query.parse(case.text)
    catalog = Catalog.load(session, query.tables, [case.schema])  # type: ignore[arg-type]
    facts = Facts.load(session, catalog, [case.schema], query.text)  # type: ignore[arg-type]
    return worthwhile(query, facts, level, lambda text: planned(connection, case, text)).rewriting


def unnested(connection: psycopg.Connection[Any], corpus: list[Case]) -> list[str]:
    """Statements for which a higher level leaves out a rule that a lower one takes."""
    found = []
    for case in corpus:
        connection.execute(f"set search_path = {case.schema}")
        taken = [{step.rule for step in rewritten(connection, case, level).steps} for level in LEVELS]
        lost = (taken[0] - taken[1]) | (taken[1] - taken[2])
        if lost:
            found.append(f"{case.name}: {', '.join(sorted(lost))}")
    return found


def planned(connection: psycopg.Connection[Any], case: Case, text: str) -> Plan | None:
    """Return the generic plan, None where there is none."""
    try:
        plan = connection.execute(
            f"explain (format json) {prepare(connection, case, text)}".encode()
        ).fetchone()
    except psycopg.Error:
        return None
    assert plan is not None
    return Plan.from_json(plan[0])


def schema_of(connection: psycopg.Connection[Any], schema: str) -> dict[str, dict[str, str]]:
    """Return the columns and types of a schema as sqlglot's optimizer takes them."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_class c join pg_attribute a "
        "on a.attrelid = c.oid where c.relnamespace = %s::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0",
        [schema],
    ):
        found.setdefault(table, {})[column] = kind
    return found


def peer_rewriter(schemas: dict[str, dict[str, dict[str, str]]]) -> Rewriter:
    def rewriter(case: Case) -> str | None:
        tree = sqlglot.parse_one(case.text, dialect="postgres")
        best = sqlglot.optimizer.optimize(tree, schema=schemas[case.schema], dialect="postgres")
        return str(best.sql(dialect="postgres"))

    return rewriter


def rewrite_one(judged: Judged, case: Case, rewriter: Rewriter, connection: psycopg.Connection[Any]) -> None:
    """Rewrite one statement warm, and time it."""
    connection.execute(f"set search_path = {case.schema}")
    try:
        rewriter(case)
        started, clock = time.process_time(), time.perf_counter()
        text = rewriter(case)
        judged.milliseconds.append((time.process_time() - started) * 1000)
        judged.waited.append((time.perf_counter() - clock) * 1000)
    except Exception as error:  # a peer may fail in any way
        judged.errors.append(f"{case.name}: {type(error).__name__}")
        return
    if text is not None:
        judged.texts[case] = text


def compare(judges: tuple[Judged, ...], case: Case, connections: dict[str, Any]) -> None:
    """Compare results on the large, the small (in five time zones) and the empty tables."""
    places = [("large", "UTC")]
    if case.kind != "tpch":
        places += [("empty", "UTC"), *(("small", zone) for zone in ZONES)]
    waiting = [judged for judged in judges if case in judged.texts]
    for database, zone in places if waiting else ():
        connection = connections[database]
        connection.execute(f"set search_path = {case.schema}")
        connection.execute(f"set timezone = '{zone}'")
        try:
            before = rows_of(connection, case, case.text)
        except psycopg.Error as error:
            print(f"  {case.name} itself fails: {error}", flush=True)
            return
        for judged in waiting:
            judge(judged, case, f"{case.name} ({database}, {zone})", before, connection)


def judge(judged: Judged, case: Case, place: str, before: Any, connection: psycopg.Connection[Any]) -> None:
    """Compare one result; each statement is counted once for each kind of fault."""
    if case not in judged.texts or any(name.startswith(f"{case.name} ") for name in judged.wrong):
        return
    try:
        after = rows_of(connection, case, judged.texts[case])
    except psycopg.Error as error:
        judged.errors.append(f"{case.name}: {error.sqlstate}")
        del judged.texts[case]
        return
    if before[0] != after[0] and case.name not in judged.renamed:
        judged.renamed.append(case.name)
    if not same(case, before, (before[0], after[1])):
        judged.wrong.append(place)


def best_time(
    connection: psycopg.Connection[Any], case: Case, texts: list[str], rounds: int = ROUNDS
) -> list[float]:
    """Return the least CPU time of each text, run in turn."""
    connection.execute(f"set search_path = {case.schema}")
    connection.execute("set timezone = 'UTC'")
    found = [math.inf] * len(texts)
    for turn in range(rounds):
        for number, text in enumerate(texts):
            statement = prepare(connection, case, text).encode()
            started = cpu_ms(connection)
            try:
                connection.execute(statement).fetchall()
            except psycopg.Error:
                continue
            found[number] = min(found[number], cpu_ms(connection) - started)
        if turn == 0 and max(found) > 4000:  # twice is enough for what takes seconds
            break
    return found


def timed(
    connection: psycopg.Connection[Any], corpus: list[Case], tpch: list[Case], ours: Judged, peer: Judged
) -> tuple[dict[str, dict[str, float]], dict[str, tuple[list[str], list[str]]], tuple[float, float]]:
    """Return shares of the gain, statements that became slower, and the noise of equal texts."""
    shares: dict[str, dict[str, float]] = {"ours": {}, "sqlglot": {}}
    ratios: dict[str, list[tuple[Case, float]]] = {"ours": [], "sqlglot": []}
    noise: list[float] = []
    for case in [*corpus, *tpch]:
        forms = [case.reference, ours.texts.get(case), peer.texts.get(case)]
        texts = list(dict.fromkeys([form for form in forms if form is not None and form != case.text]))
        first, second, *rest = best_time(connection, case, [case.text, case.text, *texts])
        known = {case.text: min(first, second), **dict(zip(texts, rest))}
        reference, own, other = (known[form if form is not None else case.text] for form in forms)
        noise.append(max(first, second) / min(first, second))
        before = min(first, second)
        for name, after in (("ours", own), ("sqlglot", other)):
            ratios[name].append((case, after / before))
            if case.reference is not None and before / reference > 1.3:
                gain = math.log(before / after) if math.isfinite(after) else 0.0
                shares[name][case.name] = min(1.0, max(0.0, gain / math.log(before / reference)))
        if case.reference is not None and before / reference <= 1.3:
            print(f"  the reference of {case.name} gains nothing here: {before:.1f} to {reference:.1f} ms")
    noise.sort()
    bound = noise[int(len(noise) * 0.95)]
    slower = {}
    for name, found in ratios.items():
        judged = ours if name == "ours" else peer
        suspects = [case for case, ratio in found if case in judged.texts and ratio > bound]
        late = []
        for case in suspects:  # timed again, longer, so that chance is not counted
            before, after = best_time(connection, case, [case.text, judged.texts[case]], 3 * ROUNDS)
            if after / before > bound:
                late.append((case, after / before))
        slower[name] = (
            [f"{case.name} {ratio:.2f}" for case, ratio in late if case.kind != "tpch"],
            [f"{case.name} {ratio:.2f}" for case, ratio in late if case.kind == "tpch"],
        )
    return shares, slower, (bound, noise[-1])
