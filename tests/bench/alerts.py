"""How alerts do: false alarms in a quiet week, what of fifty troubles is found in time and blamed on the right one,
attainment against the counted truth, and what judging a pass costs. Everything is drawn from a fixed seed."""

from __future__ import annotations

import math
import os
import random
import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from tests.bench.measure import Session, cpu_ms
from tests.cluster import Cluster
from tests.workload.minutes import (
    MINUTE,
    OBJECTIVE_MS,
    START,
    Load,
    Pass,
    Statement,
    identities,
    know,
    plant,
    platform,
    quiet,
    traffic,
)
from tests.workload.troubles import Trouble, disturb, troubles

DAYS = int(os.environ.get("DAYS", "7"))
SEED = int(os.environ.get("SEED", "2026"))


# ------------------------------------------------------------------ the quiet week
def quiet_week(
    session: Session, statements: list[Statement], source: random.Random
) -> Counter[tuple[str, str]]:
    """Judge every minute of it; count the alerts by severity and kind."""
    know(session, statements, START - timedelta(days=30))
    ids = identities(session)
    moments = [START + number * MINUTE for number in range(1, DAYS * 1440 + 1)]
    for first in range(0, len(moments), 1440):
        plant(session, [(at, quiet(statements, at, source)) for at in moments[first : first + 1440]], ids)
    session.execute("select _wedding_dbopt.roll_up_hours(%s)", (moments[-1] + timedelta(minutes=10),))
    session.execute("analyze")
    for hour in range(DAYS * 24):
        begin = START + timedelta(hours=hour)
        session.execute("select _wedding_dbopt.refresh_usual(%s)", (begin + MINUTE,))
        session.execute(
            "select _wedding_dbopt.sample_surges(m), _wedding_dbopt.evaluate_alerts(m) from "
            "generate_series(%s::timestamptz, %s::timestamptz, '1 minute') as m",
            (begin + MINUTE, begin + timedelta(hours=1)),
        )
    return Counter(
        {
            (severity, kind): number
            for severity, kind, number in session.execute(
                "select severity, kind, count(*) from _wedding_dbopt.alert group by 1, 2"
            ).fetchall()
        }
    )


# ------------------------------------------------------------------ fifty troubles
@dataclass(frozen=True)
class Verdict:
    trouble: Trouble
    passes: int | None
    right_at_once: bool
    right: bool
    text: str


def judge(
    session: Session,
    trouble: Trouble,
    statements: list[Statement],
    ids: dict[int, int],
    source: random.Random,
) -> Verdict:
    """Two passes after a moment somewhere in the last two days; the trouble begins somewhere inside the first.

    A statement that is made slow is called some six times a minute at least: of fewer calls nobody is woken.
    """
    while True:
        begun = START + timedelta(days=DAYS - 2, minutes=source.randrange(60, 2 * 1440 - 60))
        if all(victim.rate * traffic(begun) >= 6 for victim in trouble.victims):
            break
    share = source.uniform(0.25, 1.0)
    first_seen: int | None = None
    rights: list[bool] = []
    text = ""
    with session.transaction(force_rollback=True):
        session.execute("truncate _wedding_dbopt.alert_clock")
        session.execute("delete from _wedding_dbopt.alert")
        session.execute("truncate _wedding_dbopt.surge_state, _wedding_dbopt.surge")
        for table in ("statement_sample", "connection_sample", "system_sample", "context_sample"):
            session.execute(f"delete from _wedding_dbopt.{table} where at > %s".encode(), (begun,))
        session.execute("select _wedding_dbopt.refresh_usual(%s)", (begun,))
        session.execute(
            "select _wedding_dbopt.sample_surges(m) from generate_series(%s::timestamptz - interval '40 "
            "minutes', %s, '1 minute') as m",
            (begun, begun),
        )
        known = dict(ids)
        world = list(statements)
        if trouble.newcomer is not None:
            know(session, [trouble.newcomer], begun + 0.5 * MINUTE)
            known = identities(session)
        for number in (1, 2):
            at = begun + number * MINUTE
            part = share if number == 1 else 1.0
            found = disturb(trouble, world, quiet(world, at, source), at, part, number, source)
            if "rolled" in trouble.fields:
                found.load[1] = Load(found.rollbacks, 0.01 * found.rollbacks, 0.0001 * found.rollbacks, 0, 0)
            plant(session, [(at, found)], known)
            if trouble.sql and (number == 1 or "%(at)s" in trouble.sql):
                session.execute(trouble.sql.encode(), {"at": at} if "%(at)s" in trouble.sql else None)
            session.execute(
                "select _wedding_dbopt.sample_surges(%s), _wedding_dbopt.evaluate_alerts(%s)", (at, at)
            )
            opened = session.execute(
                """select kind, suspect -> 0 from _wedding_dbopt.alert where opened_at > %s and kind = any (%s)
                   order by array_position(array['critical', 'warning', 'info'], severity), id limit 1""",
                (begun, list(trouble.kinds)),
            ).fetchone()
            if opened is not None:
                first_seen = first_seen or number
                suspect = opened[1] or {}
                key, value = trouble.blame
                named = suspect.get("context") if key == "surge" else suspect.get(key)
                rights.append(str(named) == value and (key != "surge" or suspect.get("type") == "surge"))
                text = f"{opened[0]}: {suspect.get('text', 'nobody')}"
    if first_seen is not None:
        return Verdict(trouble, first_seen, rights[0], rights[-1], text)
    return Verdict(trouble, None, False, False, "not found")


def fifty_troubles(session: Session, statements: list[Statement], source: random.Random) -> list[Verdict]:
    """Each in a transaction of its own that is rolled back."""
    session.execute(
        "insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, kind) select 1, oid, "
        "10, true, %s, 'utility' from pg_database where datname = current_database()",
        (START,),
    )
    session.execute(
        "select _wedding_dbopt.store_texts(array_agg(id), array_agg('ROLLBACK'::text)) "
        "from _wedding_dbopt.statement where queryid = 1"
    )
    for context in OBJECTIVE_MS:
        session.execute(
            f"create table of_{context} (a integer); create index index_of_{context} on of_{context} (a)".encode()
        )
    session.execute(
        "select _wedding_dbopt.store_baseline('bench', null, 'daily', %s, %s)",
        (START + timedelta(days=DAYS - 3), START + timedelta(days=DAYS - 2)),
    )
    ids = identities(session)
    return [judge(session, trouble, statements, ids, source) for trouble in troubles(statements, source)]


# ------------------------------------------------------------------ attainment against the truth
def attainment(session: Session, source: random.Random) -> list[tuple[str, float, float, float, float]]:
    """An hour of single durations, some of them slow; (context, true, low, estimate, high) in percent attained."""
    begin = START + timedelta(days=400)
    ids = identities(session)
    known = session.execute(
        "select queryid, context from _wedding_dbopt.statement where context = any (%s)",
        (list(OBJECTIVE_MS),),
    ).fetchall()
    slow: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    passes = []
    for number in range(1, 61):
        found = Pass()
        for place, (queryid, context) in enumerate(known):
            objective = OBJECTIVE_MS[context]
            mean, variation = objective * (0.1 + 0.06 * (place % 6)), 0.5 + 0.2 * (place % 4)
            shape = math.log(1 + variation**2)
            durations = [
                source.lognormvariate(math.log(mean) - shape / 2, math.sqrt(shape))
                for _ in range(source.randrange(0, 40))
            ]
            if place % 6 == 5 and 20 <= number < 30:
                durations = [10 * duration for duration in durations]
            durations += [source.uniform(5, 40) * objective for _ in range(source.random() < 0.05)]
            if durations:
                calls[context] += len(durations)
                slow[context] += sum(duration > objective for duration in durations)
                found.load[queryid] = Load(
                    len(durations), sum(durations), sum(d * d for d in durations), 1, 0
                )
        passes.append((begin + number * MINUTE, found))
    plant(session, passes, ids)
    rows = session.execute(
        "select context, attainment_low, attainment_percent, attainment_high from wedding_dbopt.get_error_budgets('1 hour', %s)",
        (begin + timedelta(hours=1),),
    ).fetchall()
    return [
        (context, 100 * (1 - slow[context] / calls[context]), float(low), float(estimate), float(high))
        for context, low, estimate, high in rows
    ]


# ------------------------------------------------------------------ what it costs
def cost(cluster: Cluster, statements: int, changed: int) -> dict[str, float]:
    """CPU ms of judging one quiet pass, as the pass does it: at once in a new session, and again in the same one."""
    with cluster.connect() as session:
        session.execute(
            """insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, kind, tables,
              context, criticality, classified_at)
               select 100000 + g, d.oid, 10, true, '2000-01-01Z', 'select', '{public.t}', (array['booking',
                 'vendor_search', 'payment', 'timeline', 'guest_management', 'other'])[1 + g %% 6], 'high', '2000-01-01Z'
               from generate_series(1, %s) g, pg_database d where d.datname = current_database()""",
            (statements,),
        )
        session.execute(
            """insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us,
              exec_sq, hit, read, dealloc, entries)
               select m, m - interval '1 minute', true, i.ids, array_fill(20, array[%(changed)s]),
                 array_fill(60000, array[%(changed)s]),
                 array_fill(300, array[%(changed)s]), array_fill(200, array[%(changed)s]), array_fill(1,
                   array[%(changed)s]), 0, 500
               from (select array_agg(id order by id) as ids from (select id from _wedding_dbopt.statement where
                 queryid > 100000 order by id limit %(changed)s) t) i,
                 generate_series(timestamptz '2009-01-01 00:01Z', '2009-01-01 03:30Z', '1 minute') m""",
            {"changed": changed},
        )
        session.execute(
            """insert into _wedding_dbopt.connection_sample (at, total_max, active_max, max_connections,
              reserved) select m, 30, 4, 103, 3 from generate_series(timestamptz '2009-01-01 00:01Z',
                '2009-01-01 03:30Z', '1 minute') m;
               insert into _wedding_dbopt.system_sample (at, cpu_percent, disk_total, disk_free, blks_hit,
                 blks_read, xact_commit, xact_rollback, deadlocks, checkpoints_requested, xid_age, multixact_age)
               select m, 20, 1000, 500, 10000, 1, 1000, 1, 0, 0, 1, 1 from generate_series(timestamptz
                 '2009-01-01 00:01Z', '2009-01-01 03:30Z', '1 minute') m;
               select _wedding_dbopt.store_contexts('2009-01-01Z', '2009-01-02Z'); select
                 _wedding_dbopt.roll_up_hours('2009-01-01 03:10Z'); select _wedding_dbopt.refresh_usual('2009-01-01 03:10Z');
               truncate _wedding_dbopt.alert_clock; update _wedding_dbopt.alert set resolved_at = opened_at
                 where resolved_at is null; analyze"""
        )
    first = []
    for minute in range(1, 6):
        with cluster.connect() as session:
            session.execute("select 1")
            before = cpu_ms(session)
            session.execute(
                f"select _wedding_dbopt.evaluate_alerts(timestamptz '2009-01-01 03:10Z' + {minute} * interval '1 "
                f"minute')".encode()
            )
            first.append(cpu_ms(session) - before)
    again = []
    with cluster.connect() as session:
        for minute in range(6, 16):
            before = cpu_ms(session)
            session.execute(
                f"select _wedding_dbopt.evaluate_alerts(timestamptz '2009-01-01 03:10Z' + {minute} * interval '1 "
                f"minute')".encode()
            )
            again.append(cpu_ms(session) - before)
    return {"in a new session": statistics.median(first), "again": statistics.median(again[2:])}


def run() -> None:
    source = random.Random(SEED)
    statements = platform(source)
    with Cluster() as cluster:
        cluster.install("test", "hypopg")
        with cluster.connect() as session:
            alarms = quiet_week(session, statements, source)
            print(f"\n  quiet replay: {DAYS} days, {DAYS * 1440} passes of {len(statements)} statements")
            for severity in ("critical", "warning", "info"):
                kinds = {kind: number for (of, kind), number in alarms.items() if of == severity}
                print(
                    f"  {severity:9} {sum(kinds.values()):4}  "
                    f"{', '.join(f'{kind} {number}' for kind, number in sorted(kinds.items()))}"
                )
            verdicts = fifty_troubles(session, statements, source)
            found = [v for v in verdicts if v.passes is not None]
            print(
                f"\n  troubles: {len(found)} of {len(verdicts)} found within two passes, "
                f"{sum(v.passes == 1 for v in found)} in the first;"
                f" the first suspect is right in {sum(v.right_at_once for v in verdicts)} at once, in "
                f"{sum(v.right for v in verdicts)} after the second pass"
            )
            for verdict in verdicts:
                print(
                    f"  {'-' if verdict.passes is None else verdict.passes} "
                    f"{'right' if verdict.right else 'WRONG'}  {verdict.trouble.name:44} {verdict.text[:150]}"
                )
            print(
                "\n  attainment of an hour of single durations, percent: counted, at least, estimate, at most"
            )
            for context, truth, low, estimate, high in attainment(session, source):
                print(
                    f"  {context:18} {truth:8.3f} {low:8.3f} {estimate:8.3f} {high:8.3f} "
                    f"{'' if low - 1e-3 <= truth <= high + 1e-3 else 'OUTSIDE'}"
                )
        figures = cost(cluster, 5000, 500)
        print(
            "\n  CPU of judging a quiet pass, 5000 statements, 500 of them ran: "
            + ", ".join(f"{name} {ms:.1f} ms" for name, ms in figures.items())
        )
