"""Index advice on TPC-H, scale factor 1, primary keys only: each bar beside what was measured.

Give the data as TPCH_DSN, a database that holds it, or as TPCH_DATA, a folder with the CSV files that `tpchgen-cli csv -s 1`
of the package index writes. Budgets of the peers are in HypoPG's megabytes; real sizes stand beside them where indexes were
built. With TPCH_EXECUTE=1 the statements are executed too, which takes minutes; TPCH_ROUNDS (3) says how often. With
TPCH_FLOOR=1 each is also executed alone with all that is advised for it alone: what is left then no set can be below.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
from wedding_dbopt.indexes.selection.select import GIVEN_UP

from tests.bench.advisors import Answer, db2advis, extend, ours
from tests.bench.measure import Session, cpu_ms
from tests.bench.planner import Priced, fixed, names, plan, priced
from tests.cluster import Cluster

FOLDER = Path(__file__).parent.parent / "fixtures" / "tpch"
TABLES = ("region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem")
#: Left out of the published comparison; q17 and q20 do not end without an index.
LEFT_OUT = frozenset({"q02", "q17", "q20"})
ENDLESS = frozenset({"q17", "q20"})
HEAP = 1343
RC_BARS = {25: (77.7, 1458, 76.5), 50: (61.5, 2536, 60.3), 100: (52.2, 7350, 50.5)}
GEO_BARS = {25: (34.1, 33.0), 50: (24.3, 23.5), 100: (18.8, 18.0)}
#: Asked for a little less than the 311 MB of the bar, as sizes are only predicted.
REAL_BYTES = 300_000_000
ROUNDS = int(os.environ.get("TPCH_ROUNDS", "3"))
EXECUTION_BARS = {200: (76.1, 72.0), 660: (62.8, 60.0)}


def queries(without: frozenset[str] = frozenset()) -> dict[str, str]:
    return {
        path.stem: path.read_text().strip().rstrip(";")
        for path in sorted(FOLDER.glob("q*.sql"))
        if path.stem not in without
    }


@contextmanager
def loaded() -> Iterator[Session]:
    """A session in a database with the data."""
    if dsn := os.environ.get("TPCH_DSN"):
        with psycopg.connect(dsn, autocommit=True) as session:
            yield fixed(session)
        return
    data = os.environ.get("TPCH_DATA")
    if data is None:
        raise SystemExit("set TPCH_DATA to a folder made by `tpchgen-cli csv -s 1 --output-dir FOLDER`")
    with Cluster(shared_buffers="2GB", autovacuum="off") as cluster, cluster.connect() as session:
        session.execute("create extension hypopg")
        for statement in (FOLDER / "schema.sql").read_text().split(";"):
            if statement.strip():
                session.execute(statement.encode())
        for table in TABLES:
            with (
                session.cursor().copy(f"copy {table} from stdin csv header".encode()) as copy,
                (Path(data) / f"{table}.csv").open("rb") as file,
            ):
                while block := file.read(1 << 20):
                    copy.write(block)
        session.execute("vacuum analyze")
        yield fixed(session)


def run() -> None:
    with loaded() as session:
        _hypothetical(session)
        _real(session)
        if os.environ.get("TPCH_EXECUTE"):
            _executed(session)
        else:
            print("  execution: not run, set TPCH_EXECUTE=1")


def _hypothetical(session: Session) -> None:
    some, every = queries(LEFT_OUT), queries()
    print(
        "  Believing HypoPG's costs and sizes, as the peers do; budget in % of the heap and HypoPG's megabytes"
    )
    print("  The sum of the planner's costs alone decides (index_judgement 'cost', index_given_up 0)")
    print("  budget                RC %: best peer, bar, ours    EXPLAINs: peer, ours   wall s  server CPU s")
    for share, (peer, calls, bar) in RC_BARS.items():
        budget = share * HEAP * 10_000
        answer, found = _asked(session, some, budget, cost_alone=True, given_up=0.0)
        _line(f"{share} %, 19 statements", found.rc, peer, bar, calls, answer, found)
        other = extend(session, some, budget)
        told = priced(session, some, other.statements, real=False)
        print(
            f"    Extend with these statistics: RC {told.rc:.2f} %, geo {told.geo:.2f} %, {other.explains} EXPLAINs; "
            f"better by {told.rc - found.rc:.2f} points (the bar is {peer - bar:.2f} below its best figure)"
        )
        _, found = _asked(session, some, budget)
        print(
            f"    with our own judgement, which does not aim at this figure: RC {found.rc:.2f} %", flush=True
        )
    print("  The planner's costs alone (index_judgement 'cost')")
    print("  budget                geo %: best peer, bar, ours")
    for share, (peer, bar) in GEO_BARS.items():
        budget = share * HEAP * 10_000
        answer, found = _asked(session, every, budget, cost_alone=True)
        _line(f"{share} %, 22 statements", found.geo, peer, bar, None, answer, found)
        _, found = _asked(session, every, budget)
        print(f"    with our own judgement: geo {found.geo:.2f} %", flush=True)


def _asked(
    session: Session,
    asked: Mapping[str, str],
    budget: int,
    cost_alone: bool = False,
    given_up: float = GIVEN_UP,
) -> tuple[Answer, Priced]:
    answer = ours(session, asked, budget, corrected=False, cost_alone=cost_alone, given_up=given_up)
    return answer, priced(session, asked, answer.statements, real=False)


def _line(
    name: str, value: float, peer: float, bar: float, calls: int | None, answer: Answer, found: Priced
) -> None:
    met = "met" if value <= bar else "NOT met"
    print(
        f"  {name:20} {peer:9.2f} {bar:7.2f} {value:7.2f} {met:8} {calls or '':>8} {answer.explains:6} "
        f"{answer.wall_s:9.1f} {answer.server_cpu_s:8.1f}   {found.bytes / 1e6:.0f} MB, {found.unused} unused",
        flush=True,
    )


def _real(session: Session) -> None:
    some = queries(LEFT_OUT)
    print("  Real indexes, 19 statements, our corrected sizes and costs, the sum of the costs alone decides")
    answer = ours(session, some, REAL_BYTES, corrected=True, cost_alone=True, given_up=0.0)
    built = priced(session, some, answer.statements, real=True)
    imagined = priced(session, some, answer.statements, real=False)
    print(
        f"  RC within 311 MB of real size: best peer 58.96, bar < 57.5, ours {built.rc:.2f} with {built.bytes / 1e6:.0f} MB "
        f"(predicted {sum(answer.sizes) / 1e6:.0f}, HypoPG {imagined.bytes / 1e6:.0f})"
    )
    promised = sum(answer.promised.get(key, cost) for key, cost in built.before.items())
    print(
        f"  RC promised by our corrected costs {100 * promised / sum(built.before.values()):.2f}, as HypoPG prices them "
        f"{imagined.rc:.2f}, with real indexes {built.rc:.2f} (bar: within 2 points)"
    )
    hits = sum(abs(told - real) <= 0.25 * real for told, real in zip(answer.sizes, built.sizes))
    print(f"  size predicted to within 25 %: {hits} of {len(built.sizes)} (bar 90 %)")
    for statement, told, real in zip(answer.statements, answer.sizes, built.sizes):
        mark = "" if abs(told - real) <= 0.25 * real else "  <-- off"
        print(f"      {told / 1e6:7.1f} for {real / 1e6:7.1f} MB  {statement.split(' ON ', 1)[1]}{mark}")


def _executed(session: Session) -> None:
    """Backend CPU of the statements that end without indexes, beside the same statements with the indexes hidden.

    The advice knows the times that the statements took without indexes, as in a collected workload. It is asked for all 22,
    and for those that end, as the peers are: what serves q17 and q20 counts nothing here. Both sides of a comparison run in
    turn, so that what else the machine does meets both. Then what made a statement slower is taken back, as the tuner's
    verification does. Asked for a little less than the bar's megabytes, as sizes are only predicted; the sum of the times alone
    decides (index_given_up 0), as it is what the bar counts.
    """
    every, ending = queries(), queries(ENDLESS)
    _peers_executed(session, ending)
    seen = {key: 1000 * _cpu_s(session, text) for key, text in ending.items()}
    asked = {"all 22": every, "those that end": ending}
    for (megabytes, (peer, bar)), name in product(EXECUTION_BARS.items(), asked):
        budget = megabytes * 965_000
        answer = ours(session, asked[name], budget, corrected=True, seen_ms=seen, given_up=0.0)
        plain = priced(session, ending, (), real=True)
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
                times = _both(session, ending, kept)
                worst = max(times.values(), key=lambda item: item.left / item.noise)
                print(
                    f"    without {', '.join(sorted(gone))}, taken back: {sum(kept.values()) / 1e6:.0f} MB real, "
                    f"{_left(times):.1f} %, slowest {worst.key} {worst.left:.2f} (noise {worst.noise:.2f})"
                )
    if os.environ.get("TPCH_FLOOR"):
        _floor(session, ending, seen)


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
    """The sets that the published comparison executed: for 19 statements, at most two columns, half and all of the heap."""
    asked = queries(LEFT_OUT)
    for name, share, advisor in (("Extend", 50, extend), ("DB2Advis", 100, db2advis)):
        with session.transaction(force_rollback=True):
            built = _built(session, advisor(session, asked, share * HEAP * 10_000))
            times = _both(session, ending, built)
            slower = ", ".join(f"{key} {item.left:.2f}" for key, item in times.items() if item.left > 1.1)
            print(
                f"  {name}, {share} % of the heap by HypoPG ({sum(built.values()) / 1e6:.0f} MB real): {_left(times):.1f} %; "
                f"more than 10 % slower: {slower or 'none'}",
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


def _told(times: Mapping[str, Times], promised: Mapping[str, float], answer: Answer) -> None:
    for key, item in times.items():
        print(
            f"    {key}  CPU {item.hidden:6.2f} -> {item.visible:6.2f} s  left {item.left:5.2f} (noise {item.noise:4.2f})  "
            f"the planner's cost {promised[key]:5.2f}  judged by us {answer.judged.get(key, 1.0):5.2f}"
        )
    slowest = max(times.values(), key=lambda item: item.left / item.noise)
    print(
        f"    slowest against before: {slowest.key} {slowest.left:.2f}, noise {slowest.noise:.2f} (bar 1.10 beyond noise)"
    )
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
