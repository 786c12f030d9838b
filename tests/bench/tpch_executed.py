"""The advised indexes of TPC-H really built and the statements executed, beside the sets of the published comparison."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.plan import Plan
from wedding_dbopt.query import Query
from wedding_dbopt.settings import number_of_values
from wedding_dbopt.settings.advice import Advice, Affected
from wedding_dbopt.settings.counted_values import counted_values
from wedding_dbopt.settings.plans import Planned

from tests.bench.advisors import Answer, db2advis, extend, ours
from tests.bench.measure import Session, cpu_ms
from tests.bench.planner import Client, ClientReaders, names, plan, priced
from tests.bench.tpch_data import ENDLESS, HEAP, LEFT_OUT, queries

ROUNDS = int(os.environ.get("TPCH_ROUNDS", "3"))
BARS = {200: (76.1, 72.0), 660: (62.8, 60.0)}


def executed(session: Session) -> None:
    """Backend CPU of the statements that end without indexes, beside the same statements with the indexes hidden.

    The advice knows the times that the statements took without indexes, as in a collected workload. It is asked for all 22,
    and for those that end, as the peers are: what serves q17 and q20 counts nothing here. Both sides of a comparison run in
    turn, so that what else the machine does meets both. Then what made a statement slower is taken back, as the tuner's
    verification does. Asked for a little less than the bar's megabytes, as sizes are only predicted; the sum of the times alone
    decides (index_given_up 0), as it is what the bar counts. At last comes what the same run advises beside the indexes: the
    numbers of values that the planner has wrong.
    """
    every, ending = queries(), queries(ENDLESS)
    _peers_executed(session, ending)
    seen = {key: 1000 * _cpu_s(session, text) for key, text in ending.items()}
    spilling = {key for key, text in ending.items() if _spills(session, text)}
    asked = {"all 22": every, "those that end": ending}
    for (megabytes, (peer, bar)), name in product(BARS.items(), asked):
        budget = megabytes * 965_000
        answer = ours(session, asked[name], budget, corrected=True, seen_ms=seen, given_up=0.0)
        plain = priced(session, ending, (), real=True)
        values = _advised_values(session, asked[name], seen, spilling - set(answer.promised))
        with session.transaction(force_rollback=True):
            built = _built(session, answer)
            costs = priced(session, ending, (), real=True)
            times = _both(session, ending, built)
            print(
                f"  within {megabytes} MB, asked for {name} ({sum(built.values()) / 1e6:.0f} real, {answer.explains} EXPLAINs): "
                f"best peer {peer}, bar {bar}, ours {_left(times):.1f} %"
            )
            _told(times, {key: costs.before[key] / plain.before[key] for key in ending}, answer)
            gone = _taken_back(session, ending, built, times)
            if gone:
                _hide(session, gone, hidden=True)
                kept = {name: size for name, size in built.items() if name not in gone}
                built, times = kept, _both(session, ending, kept)
                print(
                    f"    without {', '.join(sorted(gone))}, taken back: {sum(kept.values()) / 1e6:.0f} MB real, "
                    f"{_left(times):.1f} %, {_slowest(times)}"
                )
            for advice in values:
                print(f"    {'; '.join(advice.sql)}")
            if values:
                changed = _with_values(session, ending, built, values)
                figures = ", ".join(
                    f"{key} {item.hidden:.2f} -> {item.visible:.2f} s" for key, item in changed.items()
                )
                times |= changed
                print(
                    f"    with that advised beside the indexes ({figures}): {_left(times):.1f} %, {_slowest(times)}"
                )
    if os.environ.get("TPCH_FLOOR"):
        _floor(session, ending, seen)


def _spills(session: Session, text: str) -> bool:
    """Whether the statement writes temporary files."""
    return bool(plan(session, text, "analyze, buffers, timing off, ")["Temp Written Blocks"])


def _planned(session: Session, text: str) -> Plan:
    return Plan.from_json(plan(session, text, "verbose, "))


def _advised_values(
    session: Session, asked: Mapping[str, str], seen: Mapping[str, float], spilling: Collection[str]
) -> list[Advice]:
    """The numbers of values that are advised for the statements, of which some spill with and without the advised indexes."""
    client = Client(session)
    members = {
        key: Planned(
            Affected(number, ms_per_hour=seen.get(key, 0.0)), Query.parse(text), None, _planned(session, text)
        )
        for number, (key, text) in enumerate(asked.items())
    }
    tables = [table for member in members.values() for table in member.query.tables]
    ids = {members[key].statement.statement_id for key in spilling}
    readers: Any = ClientReaders(client)
    counted = counted_values(
        client, readers, Catalog.load(client, tables, ["public"]), list(members.values()), ids
    )
    return list(number_of_values.advise(counted))


def _with_values(
    session: Session, asked: Mapping[str, str], built: Collection[str], values: list[Advice]
) -> dict[str, Times]:
    """The statements that get another plan by the advised numbers, as they were at first and with indexes and numbers."""

    @contextmanager
    def told() -> Iterator[None]:
        with session.transaction(force_rollback=True):
            for statement in (statement for advice in values for statement in advice.sql):
                session.execute(statement.encode())
            yield

    before = {key: _planned(session, text).fingerprint() for key, text in asked.items()}
    with told():
        changed = [key for key, text in asked.items() if _planned(session, text).fingerprint() != before[key]]
    hidden: dict[str, list[float]] = {key: [] for key in changed}
    visible: dict[str, list[float]] = {key: [] for key in changed}
    for _ in range(ROUNDS):
        _hide(session, built, hidden=True)
        for key in changed:
            hidden[key].append(_cpu_s(session, asked[key]))
        _hide(session, built, hidden=False)
        with told():
            for key in changed:
                visible[key].append(_cpu_s(session, asked[key]))
    return {
        key: Times(key, min(hidden[key]), min(visible[key]), max(hidden[key]) / min(hidden[key]))
        for key in changed
    }


def _floor(session: Session, ending: Mapping[str, str], seen: Mapping[str, float]) -> None:
    """Each statement alone with all that is advised for it alone, however large; slower ones count as they were."""
    hidden = visible = 0.0
    for key, text in ending.items():
        answer = ours(session, {key: text}, 2**62, corrected=True, seen_ms={key: seen[key]})
        with session.transaction(force_rollback=True):
            built = _built(session, answer)
            item = _both(session, {key: text}, built)[key]
        hidden, visible = hidden + item.hidden, visible + min(item.visible, item.hidden)
        print(
            f"    {key} alone: CPU {item.hidden:6.2f} -> {item.visible:6.2f} s with {sum(built.values()) / 1e6:.0f} MB",
            flush=True,
        )
    print(f"  each statement alone with all it asks for: {100 * visible / hidden:.1f} % left")


def _peers_executed(session: Session, ending: Mapping[str, str]) -> None:
    """The sets of the published comparison, at most two columns, half and all of the heap, asked for as ours are."""
    peers = (("Extend", 50, extend), ("DB2Advis", 100, db2advis))
    asked = {"all 22": queries(), "the 19 that it prices": queries(LEFT_OUT)}
    for (peer, share, advisor), name in product(peers, asked):
        with session.transaction(force_rollback=True):
            built = _built(session, advisor(session, asked[name], share * HEAP * 10_000))
            times = _both(session, ending, built)
            slower = ", ".join(f"{key} {item.left:.2f}" for key, item in times.items() if item.left > 1.1)
            print(
                f"  {peer}, asked for {name}, {share} % of the heap by HypoPG ({sum(built.values()) / 1e6:.0f} MB real): "
                f"{_left(times):.1f} %; more than 10 % slower: {slower or 'none'}",
                flush=True,
            )


def _built(session: Session, answer: Answer) -> dict[str, int]:
    """Build what was answered; real bytes by name."""
    there = "select array_agg(indexrelid) from pg_index"
    before = session.execute(there).fetchone()
    for statement in answer.statements:
        session.execute(statement.replace(" CONCURRENTLY", "").encode())
    rows = session.execute(
        "select c.relname, pg_relation_size(c.oid) from pg_index i join pg_class c on c.oid = i.indexrelid "
        "where i.indexrelid <> all (%s)",
        before,
    ).fetchall()
    return {str(name): int(size) for name, size in rows}


@dataclass(frozen=True)
class Times:
    """CPU seconds of a statement with the indexes hidden and visible; `noise` is the spread of the hidden runs."""

    key: str
    hidden: float
    visible: float
    noise: float

    @property
    def left(self) -> float:
        return self.visible / self.hidden


def _both(session: Session, asked: Mapping[str, str], built: Collection[str]) -> dict[str, Times]:
    """The least of the runs, as other work and a processor that slows down only ever add to it; rounds go over all statements.

    Of a statement whose plan is the same with and without the indexes all runs count for both sides: they do the same.
    """
    runs: dict[tuple[str, bool], list[float]] = {(key, side): [] for key in asked for side in (True, False)}
    plans: dict[tuple[str, bool], dict[str, Any]] = {}
    for _, key, side in product(range(ROUNDS), asked, (True, False)):
        _hide(session, built, hidden=side)
        if (key, side) not in plans:
            plans[key, side] = plan(session, asked[key])
        runs[key, side].append(_cpu_s(session, asked[key]))
    _hide(session, built, hidden=False)
    found = {}
    for key in asked:
        least = {side: min(runs[key, side]) for side in (True, False)}
        if plans[key, True] == plans[key, False]:
            least = dict.fromkeys(least, min(least.values()))
        noise = max(runs[key, True]) / min(runs[key, True])
        found[key] = Times(key, least[True], least[False], noise)
    return found


def _hide(session: Session, built: Collection[str], *, hidden: bool) -> None:
    session.execute(
        "update pg_index set indisvalid = not %s where indexrelid = any (%s::text[]::regclass[])",
        [hidden, [f'"{name}"' for name in built]],
    )


def _cpu_s(session: Session, text: str) -> float:
    started = cpu_ms(session)
    session.execute(text.encode())
    return (cpu_ms(session) - started) / 1000


def _left(times: Mapping[str, Times]) -> float:
    return 100 * sum(item.visible for item in times.values()) / sum(item.hidden for item in times.values())


def _slowest(times: Mapping[str, Times]) -> str:
    worst = max(times.values(), key=lambda item: item.left / item.noise)
    return f"slowest against before: {worst.key} {worst.left:.2f}, noise {worst.noise:.2f}"


def _told(times: Mapping[str, Times], promised: Mapping[str, float], answer: Answer) -> None:
    for key, item in times.items():
        print(
            f"    {key}  CPU {item.hidden:6.2f} -> {item.visible:6.2f} s  left {item.left:5.2f} (noise {item.noise:4.2f})  "
            f"the planner's cost {promised[key]:5.2f}  judged by us {answer.judged.get(key, 1.0):5.2f}"
        )
    print(f"    {_slowest(times)} (bar 1.10 beyond noise)")
    for name, told in (("the planner's cost", promised), ("our judgement", answer.judged)):
        wrong = {key: abs(math.log(item.left / told.get(key, 1.0))) for key, item in times.items()}
        judged = max(wrong, key=lambda key: wrong[key])
        mean = math.exp(sum(wrong.values()) / len(wrong))
        factor = math.exp(wrong[judged])
        print(f"    worst misjudgement of {name}: {judged}, a factor of {factor:.1f}; mean factor {mean:.2f}")


def _taken_back(
    session: Session, asked: Mapping[str, str], built: Collection[str], times: Mapping[str, Times]
) -> set[str]:
    """The indexes of slowed statements without which the statements that use them are faster in all."""
    users = {key: names(plan(session, text)) & set(built) for key, text in asked.items()}
    slowed = {key for key, item in times.items() if item.left > 1.1}
    gone: set[str] = set()
    for name in sorted(set().union(*(users[key] for key in slowed))):
        using = {key: text for key, text in asked.items() if name in users[key]}
        pairs = _both(session, using, [name])
        if sum(item.hidden for item in pairs.values()) < sum(item.visible for item in pairs.values()):
            gone.add(name)
            _hide(session, gone, hidden=True)
    return gone
