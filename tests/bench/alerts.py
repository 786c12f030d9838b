"""How alerts do: false alarms in a quiet week, what of fifty troubles is found in time and blamed on the right one,
attainment against the counted truth, and what judging a pass costs. Everything is drawn from a fixed seed."""

from __future__ import annotations

import math
import os
import random
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests.bench.measure import Session, cpu_ms
from tests.cluster import Cluster

DAYS = int(os.environ.get("DAYS", "7"))
SEED = int(os.environ.get("SEED", "2026"))
CONTEXTS = ("booking", "vendor_search", "payment", "timeline", "guest_management", "other")
OBJECTIVE_MS = {"booking": 50, "vendor_search": 100, "payment": 20, "timeline": 30, "guest_management": 100}
START = datetime(2001, 5, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PER_CONTEXT = 6


@dataclass(frozen=True)
class Statement:
    """How a statement usually behaves: calls a minute at midday, ms per call with its variation, blocks per call."""

    queryid: int
    context: str
    rate: float
    mean: float
    variation: float
    blocks: float
    criticality: str = "high"
    new: bool = False


@dataclass(frozen=True)
class Load:
    """One statement in one pass."""

    calls: int
    ms: float
    squares: float
    hit: int
    read: int


@dataclass
class Pass:
    """What a pass finds beside the statements; the defaults are those of a quiet minute."""

    load: dict[int, Load] = field(default_factory=dict)
    total: int = 30
    active: int = 4
    applications: dict[str, int] = field(default_factory=lambda: {"web": 18, "worker": 8, "admin": 4})
    commits: int = 3000
    rollbacks: int = 5
    hit: int = 200_000
    read: int = 600
    dealloc: int = 0


def platform(source: random.Random) -> list[Statement]:
    """Each context's statements: some often, some rarely; fast enough for the objective nearly always."""
    statements = []
    for context in CONTEXTS:
        objective = OBJECTIVE_MS.get(context, 400)
        for place in range(PER_CONTEXT):
            statements.append(
                Statement(
                    queryid=1000 * (CONTEXTS.index(context) + 1) + place,
                    context=context,
                    rate=source.choice((3, 15, 40, 90, 150)),
                    mean=objective * source.uniform(0.04, 0.22),
                    variation=source.uniform(0.3, 0.7),
                    blocks=source.uniform(5, 200),
                    criticality="critical" if context in ("booking", "payment") else "high",
                )
            )
    return statements


def traffic(moment: datetime) -> float:
    """The profile of a day and a week: evenings and weekends are the couples' time, nights are quiet."""
    hour = moment.hour + moment.minute / 60
    day = (
        0.12
        + 0.88 * math.exp(-(((hour - 19.5 + 24) % 24 - 0) ** 2) / 30)
        + 0.55 * math.exp(-((hour - 12) ** 2) / 18)
    )
    return day * (1.35 if moment.weekday() >= 5 else 1.0)


def spent(
    statement: Statement,
    source: random.Random,
    level: float,
    pace: float,
    mean: float = 1.0,
    blocks: float = 1.0,
) -> Load | None:
    """Calls of a minute, overdispersed, and their time from the moments of a lognormal distribution."""
    expected = statement.rate * level * source.gammavariate(12, 1 / 12)
    calls = poisson(expected, source)
    if calls == 0:
        return None
    usual = statement.mean * pace * mean * math.exp(source.gauss(0, 0.08))
    deviation = statement.variation
    ms = calls * usual * max(0.3, 1 + deviation / math.sqrt(calls) * source.gauss(0, 1))
    squares = max(
        ms * ms / calls * 1.0001,
        calls * usual * usual * (1 + deviation**2) * max(0.5, 1 + source.gauss(0, 1) / math.sqrt(calls)),
    )
    touched = max(1, round(calls * statement.blocks * blocks))
    return Load(calls, ms, squares, touched, round(touched * 0.003))


def poisson(expected: float, source: random.Random) -> int:
    if expected > 30:
        return max(0, round(source.gauss(expected, math.sqrt(expected))))
    limit, product, count = math.exp(-expected), source.random(), 0
    while product > limit:
        product *= source.random()
        count += 1
    return count


def with_slow_call(load: Load, ms: float) -> Load:
    """One of the calls took this long."""
    rest = max(load.calls - 1, 0) / load.calls
    return replace(load, ms=rest * load.ms + ms, squares=rest * load.squares + ms * ms)


def quiet(statements: list[Statement], moment: datetime, source: random.Random) -> Pass:
    """A quiet minute: noise that all share, one minute in two hundred is half as fast, and single calls take seconds."""
    level = traffic(moment)
    pace = math.exp(source.gauss(0, 0.1)) * (source.uniform(1.4, 2.0) if source.random() < 0.005 else 1.0)
    found = Pass(
        total=30 + poisson(6 * level, source),
        active=2 + poisson(3 * level, source),
        commits=round(2500 * level) + 100,
        rollbacks=poisson(0.002 * (2500 * level + 100), source),
        hit=round(200_000 * level) + 5000,
        read=poisson(0.004 * (200_000 * level + 5000), source),
    )
    for statement in statements:
        load = spent(statement, source, level, pace)
        if load is not None:
            if source.random() < 0.0004 * load.calls**0.5:
                load = with_slow_call(load, source.uniform(300, 3000))
            found.load[statement.queryid] = load
    return found


# ------------------------------------------------------------------ planting
def know(session: Session, statements: Iterable[Statement], first_seen: datetime) -> None:
    with session.cursor() as cursor:
        cursor.executemany(
            """insert into _wedding_dbopt.statement
                 (queryid, dbid, userid, toplevel, first_seen, kind, tables, context, criticality, classified_at)
               select %s, d.oid, 10, true, %s, 'select', array['public.of_' || %s], %s, %s, %s
               from pg_database d where d.datname = current_database()""",
            [(s.queryid, first_seen, s.context, s.context, s.criticality, first_seen) for s in statements],
        )


def identities(session: Session) -> dict[int, int]:
    return dict(session.execute("select queryid, id from _wedding_dbopt.statement where not own").fetchall())


def plant(session: Session, passes: Iterable[tuple[datetime, Pass]], ids: dict[int, int]) -> None:
    """The samples that collect() would have stored."""
    statements, connections, system = [], [], []
    for at, found in passes:
        order = sorted((ids[queryid], load) for queryid, load in found.load.items())
        statements.append(
            (
                at,
                at - MINUTE,
                [number for number, _ in order],
                [load.calls for _, load in order],
                [round(1000 * load.ms) for _, load in order],
                [load.squares for _, load in order],
                [load.hit for _, load in order],
                [load.read for _, load in order],
                found.dealloc,
            )
        )
        applications = ", ".join(
            f'"{name}": {{"max": {number}, "active_max": 2}}' for name, number in found.applications.items()
        )
        connections.append((at, found.total, found.active, "{" + applications + "}"))
        system.append((at, found.hit, found.read, found.commits, found.rollbacks))
    with session.cursor() as cursor:
        with cursor.copy(
            "copy _wedding_dbopt.statement_sample (at, previous_at, ids, calls, exec_us, exec_sq, hit, read, "
            "dealloc, complete, entries) from stdin"
        ) as copy:
            for row in statements:
                copy.write_row((*row, True, 500))
        with cursor.copy(
            "copy _wedding_dbopt.connection_sample (at, total_max, active_max, by_application, max_connections, "
            "reserved) from stdin"
        ) as copy:
            for connected in connections:
                copy.write_row((*connected, 103, 3))
        with cursor.copy(
            "copy _wedding_dbopt.system_sample (at, blks_hit, blks_read, xact_commit, xact_rollback, deadlocks, "
            "checkpoints_requested,"
            " cpu_percent, cpus, load_1m, memory_total, memory_available, disk_total, disk_free, xid_age, "
            "multixact_age) from stdin"
        ) as copy:
            for used in system:
                copy.write_row((*used, 0, 0, 35, 4, 1.5, 16 * 2**30, 8 * 2**30, 2**40, 2**39, 10**6, 10**4))
    session.execute(
        "select _wedding_dbopt.store_contexts(%s::timestamptz - interval '1 microsecond', %s)",
        (statements[0][0], statements[-1][0]),
    )


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
class Trouble:
    """What is done to the passes after a moment, which kinds of alert count as found, and who is to blame."""

    name: str
    kinds: tuple[str, ...]
    blame: tuple[str, str]
    victims: tuple[Statement, ...] = ()
    slow: dict[int, tuple[float, float]] = field(default_factory=dict)
    busy: dict[str, tuple[float, float]] = field(default_factory=dict)
    all_slow: float = 1.0
    fields: dict[str, object] = field(default_factory=dict)
    newcomer: Statement | None = None
    sql: str = ""


def troubles(statements: list[Statement], source: random.Random) -> list[Trouble]:
    by_context = {
        context: [s for s in statements if s.context == context and s.rate >= 15] for context in OBJECTIVE_MS
    }
    slow_kinds = ("objective_breach", "statement_regression")
    listed: list[Trouble] = []

    def pick(context: str) -> Statement:
        return source.choice(by_context[context])

    for number in range(10):
        context = list(OBJECTIVE_MS)[number % 5]
        victim = pick(context)
        factor = source.uniform(1.6, 6) * OBJECTIVE_MS[context] / victim.mean
        listed.append(
            Trouble(
                f"slow statement x{factor:.0f} ({context})",
                slow_kinds,
                ("queryid", str(victim.queryid)),
                (victim,),
                slow={victim.queryid: (factor, 1)},
            )
        )
    for number in range(4):
        victim = max(
            by_context[("booking", "vendor_search", "guest_management", "timeline")[number]],
            key=lambda s: s.rate * s.mean,
        )
        listed.append(
            Trouble(
                f"slower within its objective x3.5 ({victim.context})",
                slow_kinds,
                ("queryid", str(victim.queryid)),
                (victim,),
                slow={victim.queryid: (3.5, 1)},
            )
        )
    for number in range(5):
        context = list(OBJECTIVE_MS)[number]
        calls, ms = source.uniform(7, 11), source.uniform(5, 7)
        listed.append(
            Trouble(
                f"traffic x{calls:.0f}, slower x{ms:.0f} ({context})",
                ("objective_breach", "surge", "statement_regression"),
                ("surge", context),
                busy={context: (calls, ms)},
            )
        )
    for number in range(5):
        context = ("booking", "payment", "guest_management", "booking", "timeline")[number]
        pid, waiting, wait = 4000 + number, source.randrange(2, 30), source.uniform(8, 40)
        listed.append(
            Trouble(
                f"lock, {waiting} wait up to {wait:.0f} s ({context})",
                ("lock_waits",),
                ("pid", str(pid)),
                slow={s.queryid: (20, 1) for s in by_context[context][:2]},
                sql=f"""insert into _wedding_dbopt.lock_sample (at, waiting, longest_wait_s, root_pids,
                  root_queryids, root_dbids, root_roles, root_states, root_transaction_s, blocked, longest_s, relids, modes)
                        values (%(at)s - interval '5 seconds', {waiting}, {wait}, '{{{pid}}}',
                          '{{{by_context[context][0].queryid}}}', '{{1}}', '{{10}}', '{{idle in transaction}}',
                            '{{60}}', '{{{waiting}}}', '{{{wait}}}', '{{null}}', '{{null}}')""",
            )
        )
    for number in range(3):
        listed.append(
            Trouble(
                f"evictions, {number + 1} in a minute",
                ("evictions",),
                ("object", "pg_stat_statements.max"),
                fields={"dealloc": number + 1},
            )
        )
    for number in range(5):
        total = 84 + 3 * number
        application = ("web", "worker", "admin", "report", "web")[number]
        listed.append(
            Trouble(
                f"{total} of 100 connections ({application})",
                ("connections",),
                ("application", application),
                fields={
                    "total": total,
                    "applications": {"web": 18, "worker": 8, "admin": 4, application: total - 26},
                },
            )
        )
    for number in range(5):
        newcomer = Statement(
            9000 + number,
            ("other", "booking", "other", "vendor_search", "payment")[number],
            source.choice((4, 10, 30)),
            source.uniform(900, 4000),
            0.4,
            20_000,
            "medium",
            True,
        )
        listed.append(
            Trouble(
                f"new statement, {newcomer.rate:.0f} calls of {newcomer.mean:.0f} ms",
                ("new_statement", "objective_breach"),
                ("queryid", str(newcomer.queryid)),
                all_slow=1.5,
                newcomer=newcomer,
            )
        )
    for number in range(3):
        victim = pick(("vendor_search", "booking", "guest_management")[number])
        share = (0.15, 0.3, 0.6)[number]
        listed.append(
            Trouble(
                f"cache misses {share:.0%}",
                ("cache_misses",),
                ("queryid", str(victim.queryid)),
                (victim,),
                slow={victim.queryid: (2.5, 40)},
                fields={"read": round(200_000 * share / (1 - share)), "reader": victim.queryid},
            )
        )
    for number in range(4):
        context = ("booking", "vendor_search", "payment", "timeline")[number]
        victim = pick(context)
        factor = source.uniform(2, 8) * OBJECTIVE_MS[context] / victim.mean
        listed.append(
            Trouble(
                f"index dropped, x{factor:.0f} ({context})",
                slow_kinds,
                ("object", f"public.index_of_{context}"),
                (victim,),
                slow={victim.queryid: (factor, 50)},
                sql=f"drop index index_of_{context}",
            )
        )
    for number in range(3):
        listed.append(
            Trouble(
                f"{(3, 12, 40)[number]} % rolled back",
                ("rollbacks",),
                ("role", "postgres"),
                fields={"rolled": (0.03, 0.12, 0.4)[number]},
            )
        )
    for number in range(3):
        pid = 5000 + number
        listed.append(
            Trouble(
                f"idle in transaction for {2 + 10 * number} minutes",
                ("idle_in_transaction",),
                ("pid", str(pid)),
                sql=(
                    f"insert into _wedding_dbopt.open_transaction values (%(at)s, {pid}, 'app', 'web', 1001, "
                    f"{130 + 600 * number}, {140 + 600 * number}, 900, {number})"
                ),
            )
        )
    return listed


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


def disturb(
    trouble: Trouble,
    world: list[Statement],
    found: Pass,
    at: datetime,
    part: float,
    number: int,
    source: random.Random,
) -> Pass:
    """The trouble is on for a part of this minute: so much of the load is what the trouble makes of it."""
    level = traffic(at)
    for statement in world:
        mean, blocks = trouble.slow.get(statement.queryid, (1.0, 1.0))
        calls, slower = trouble.busy.get(statement.context, (1.0, 1.0))
        mean *= trouble.all_slow * slower
        if (mean, calls, blocks) == (1.0, 1.0, 1.0):
            continue
        bad = spent(statement, source, level * calls * part, 1.0, mean, blocks)
        good = spent(statement, source, level * (1 - part), 1.0)
        loads = [load for load in (bad, good) if load is not None]
        if loads:
            found.load[statement.queryid] = Load(
                *(sum(values) for values in zip(*(tuple(vars(load).values()) for load in loads), strict=True))
            )
    if trouble.newcomer is not None:
        load = spent(replace(trouble.newcomer, rate=trouble.newcomer.rate * part), source, 1.0, 1.0)
        if load is not None:
            found.load[trouble.newcomer.queryid] = load
    for name in ("total", "applications"):
        if name in trouble.fields:
            setattr(found, name, trouble.fields[name])
    if "dealloc" in trouble.fields:
        found.dealloc = int(str(trouble.fields["dealloc"])) * number
    if "read" in trouble.fields:
        found.hit = 200_000
        found.read = round(float(str(trouble.fields["read"])) * part)
        reader = int(str(trouble.fields["reader"]))
        if reader in found.load:
            found.load[reader] = replace(found.load[reader], read=round(0.8 * found.read))
    if "rolled" in trouble.fields:
        found.rollbacks = round(found.commits * float(str(trouble.fields["rolled"])) * part)
    return found


def fifty_troubles(session: Session, statements: list[Statement], source: random.Random) -> list[Verdict]:
    """Each in a transaction of its own that is rolled back."""
    session.execute(
        "insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, kind) select 1, oid, "
        "10, true, %s, 'utility' from pg_database where datname = current_database()",
        (START,),
    )
    session.execute(
        "insert into _wedding_dbopt.statement_text (statement_id, query) select id, 'ROLLBACK' from "
        "_wedding_dbopt.statement where queryid = 1"
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
