"""Troubles that befall the minutes of a platform, each with the alerts that may find it and whom these should blame."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.workload.minutes import OBJECTIVE_MS, Load, Pass, Statement, spent, traffic


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
