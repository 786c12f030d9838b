"""Index advice beside other ways to it, over a client's session: ours, and the published methods Extend and DB2Advis.

The peers are written after their papers, with the parameters of the published comparison: Extend by R. Schlosser, J. Kossmann,
M. Boissier (ICDE 2019), DB2Advis by G. Valentin et al. (ICDE 2000). Both believe HypoPG's costs and sizes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.indexes.advise import advise
from wedding_dbopt.indexes.sample import Sampler
from wedding_dbopt.indexes.selection.select import GIVEN_UP
from wedding_dbopt.indexes.size import index_bytes
from wedding_dbopt.indexes.workload import WorkloadStatement
from wedding_dbopt.query import Query

from tests.bench.measure import Session, cpu_ms
from tests.bench.planner import Client, ClientSource, hypothetical_bytes, names, plan

# As in the published comparison: a step must make the cost that is left by so much smaller.
_LEAST_IMPROVEMENT = 1.003


@dataclass(frozen=True)
class Answer:
    """CREATE INDEX statements with their estimated bytes, what it took to find them, and the costs promised by statement."""

    statements: tuple[str, ...]
    sizes: tuple[int, ...]
    explains: int
    wall_s: float
    server_cpu_s: float
    promised: Mapping[str, float] = field(default_factory=dict)
    #: What is left of each statement by our own judgement, 0..1; the planner's cost is one part of it.
    judged: Mapping[str, float] = field(default_factory=dict)


def ours(
    session: Session,
    queries: Mapping[str, str],
    budget: int,
    corrected: bool,
    seconds: float = 600.0,
    most_plans: int | None = None,
    seen_ms: Mapping[str, float] | None = None,
    cost_alone: bool = False,
    given_up: float = GIVEN_UP,
) -> Answer:
    """Our search. Without `corrected` it believes HypoPG's costs and sizes as the peers do, and keeps to a budget in them.

    `seen_ms` are times of the statements as the product collects them. `cost_alone` and `given_up` are what two settings say.
    """
    parsed = {key: Query.parse(text) for key, text in queries.items()}
    client = Client(session)
    catalog = Catalog.load(client, [t for query in parsed.values() for t in query.tables], ["public"])  # type: ignore[arg-type]
    sampler = Sampler(client, lambda schema, name: client)  # type: ignore[arg-type]
    source = ClientSource(session, queries)
    seen = seen_ms or {}
    workload = [
        WorkloadStatement(key, query, 1.0, seen.get(key, 0.0), "medium", "other")
        for key, query in parsed.items()
    ]
    started, cpu = time.monotonic(), cpu_ms(session)
    advice = advise(
        workload,
        catalog,
        source,
        storage_budget=budget,
        deadline=started + seconds,
        clock=time.monotonic,
        most_plans=most_plans,
        vary=source.vary,
        size=index_bytes
        if corrected
        else lambda relation, index: hypothetical_bytes(session, index.create_sql()),
        corrected=corrected,
        cost_alone=cost_alone,
        given_up=given_up,
        measure=sampler.measure if corrected else None,
    )
    return Answer(
        tuple(item.create_sql for item in advice.recommendations),
        tuple(item.estimated_bytes for item in advice.recommendations),
        source.calls,
        time.monotonic() - started,
        (cpu_ms(session) - cpu) / 1000,
        {key: after for item in advice.recommendations for key, _, after in item.benefits},
        advice.left,
    )


class Peer:
    """What both peers need: the columns each statement names, hypothetical indexes, costs by (statement, indexes)."""

    def __init__(self, session: Session, queries: Mapping[str, str]) -> None:
        self.session, self.queries = session, queries
        self.explains = 0
        self._live: dict[tuple[str, tuple[str, ...]], tuple[int, str]] = {}
        self._sizes: dict[tuple[str, tuple[str, ...]], int] = {}
        self._cache: dict[tuple[str, frozenset[tuple[str, tuple[str, ...]]]], float] = {}
        self.columns: dict[str, dict[str, list[str]]] = {}
        rows = session.execute(
            "select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid "
            "where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and attnum > 0 and not attisdropped"
        ).fetchall()
        for key, text in queries.items():
            words = set(
                text.lower().replace(".", " ").replace("(", " ").replace(")", " ").replace(",", " ").split()
            )
            found: dict[str, list[str]] = {}
            for table, column in rows:
                if table in words and column in words:
                    found.setdefault(table, []).append(column)
            self.columns[key] = found

    def _made(self, index: tuple[str, tuple[str, ...]]) -> tuple[int, str]:
        row = self.session.execute(
            "select indexrelid, indexname from hypopg_create_index(%s)", [statement(index)]
        ).fetchone()
        assert row is not None
        return int(row[0]), str(row[1])

    def offer(self, wanted: set[tuple[str, tuple[str, ...]]]) -> None:
        for index in set(self._live) - wanted:
            self.session.execute("select hypopg_drop_index(%s)", [self._live.pop(index)[0]])
        for index in sorted(wanted - set(self._live)):
            self._live[index] = self._made(index)

    def explained(self, key: str) -> tuple[float, set[tuple[str, tuple[str, ...]]]]:
        self.explains += 1
        top = plan(self.session, self.queries[key])
        used = names(top)
        return float(top["Total Cost"]), {index for index, (_, name) in self._live.items() if name in used}

    def cost(self, key: str, config: frozenset[tuple[str, tuple[str, ...]]]) -> float:
        mine = self.columns[key]
        relevant = frozenset(index for index in config if index[1][0] in mine.get(index[0], ()))
        if (key, relevant) not in self._cache:
            self.offer(set(relevant))
            self._cache[key, relevant] = self.explained(key)[0]
        return self._cache[key, relevant]

    def total(self, config: frozenset[tuple[str, tuple[str, ...]]]) -> float:
        return sum(self.cost(key, config) for key in self.queries)

    def size(self, index: tuple[str, tuple[str, ...]]) -> int:
        if index not in self._sizes:
            self._sizes[index] = hypothetical_bytes(self.session, statement(index))
        return self._sizes[index]


def statement(index: tuple[str, tuple[str, ...]]) -> str:
    return f"create index on {index[0]} ({', '.join(index[1])})"


def extend(session: Session, queries: Mapping[str, str], budget: int, width: int = 2) -> Answer:
    """Greedy by saved cost per added byte: a new single column, or one more column behind a chosen index."""
    peer, started, cpu = Peer(session, queries), time.monotonic(), cpu_ms(session)
    singles = sorted({(t, (c,)) for found in peer.columns.values() for t, cs in found.items() for c in cs})
    config: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    current = peer.total(config)
    while True:
        best: tuple[float, frozenset[tuple[str, tuple[str, ...]]], float] | None = None
        trials = [(config | {single}, single, None) for single in singles if single not in config]
        trials += [
            (config - {held} | {(held[0], held[1] + single[1])}, (held[0], held[1] + single[1]), held)
            for held in sorted(config)
            for single in singles
            if single[0] == held[0] and single[1][0] not in held[1] and len(held[1]) < width
        ]
        for trial, new, held in trials:
            added = peer.size(new) - (peer.size(held) if held is not None else 0)
            if sum(map(peer.size, trial)) > budget:
                continue
            cost = peer.total(trial)
            ratio = (current - cost) / max(added, 1)
            if current > cost * _LEAST_IMPROVEMENT and (best is None or ratio > best[0]):
                best = (ratio, trial, cost)
        if best is None:
            break
        config, current = best[1], best[2]
    peer.offer(set())
    return _answer(peer, sorted(config), started, cpu)


def db2advis(
    session: Session, queries: Mapping[str, str], budget: int, width: int = 2, tries: float = 10.0
) -> Answer:
    """All keys offered at once, one EXPLAIN a statement; ranked by gain per byte, prefixes folded, then random exchanges."""
    peer, started, cpu = Peer(session, queries), time.monotonic(), cpu_ms(session)
    gains: dict[tuple[str, tuple[str, ...]], float] = {}
    for key in queries:
        before = peer.cost(key, frozenset())
        mine = peer.columns[key]
        peer.offer(
            {(t, keys) for t, cs in mine.items() for n in range(1, width + 1) for keys in permutations(cs, n)}
        )
        after, used = peer.explained(key)
        for index in used:
            gains[index] = gains.get(index, 0.0) + before - after
    for index in sorted(gains, key=lambda found: -len(found[1])):
        for other in sorted(gains):
            longer = other[0] == index[0] and len(other[1]) > len(index[1])
            if longer and other[1][: len(index[1])] == index[1] and index in gains:
                gains[other] += gains.pop(index)
    config: set[tuple[str, tuple[str, ...]]] = set()
    for index in sorted(gains, key=lambda found: (-gains[found] / peer.size(found), found)):
        if gains[index] > 0 and sum(map(peer.size, config)) + peer.size(index) <= budget:
            config.add(index)
    best, left = peer.total(frozenset(config)), time.monotonic()
    chance = random.Random(1)
    while time.monotonic() - left < tries and len(config) < len(gains):
        out = chance.sample(sorted(config), min(len(config), chance.randint(1, 4)))
        new = chance.sample(sorted(set(gains) - config), min(len(gains) - len(config), chance.randint(1, 4)))
        trial = config - set(out) | set(new)
        if sum(map(peer.size, trial)) <= budget and (cost := peer.total(frozenset(trial))) < best:
            config, best = trial, cost
    peer.offer(set())
    return _answer(peer, sorted(config), started, cpu)


def _answer(peer: Peer, config: list[tuple[str, tuple[str, ...]]], started: float, cpu: float) -> Answer:
    return Answer(
        tuple(map(statement, config)),
        tuple(map(peer.size, config)),
        peer.explains,
        time.monotonic() - started,
        (cpu_ms(peer.session) - cpu) / 1000,
    )
