"""How well the load of a season is known: surges, forecasts, multipliers, peak hours; and what the watch costs a pass.

The traffic is that of `tests.workload.traffic`, whose formula is not the model's. Every figure stands beside its number of
cases.
"""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wedding_dbopt.season.forecast import fit_load

from tests.bench.measure import Session, cpu_ms
from tests.cluster import Cluster
from tests.workload.learning import (
    SEASONS,
    forecast_errors,
    history,
    hours_of,
    learned_multipliers,
    profile_of,
)
from tests.workload.traffic import UTC, Traffic

DAYS = int(os.environ.get("DAYS", "365"))
SURGES = int(os.environ.get("SURGES", "200"))
PLATFORMS = int(os.environ.get("PLATFORMS", "12"))
PASSES = 200
FACTORS = (4.0, 5.0, 6.0, 8.0, 10.0)


# ---------------------------------------------------------------- surges
@dataclass(frozen=True)
class Injected:
    begun: datetime
    ended: datetime
    factor: float


@dataclass(frozen=True)
class Watched:
    """What a replay found: delays in minutes of each injected surge (None = missed) and of its end, and false alarms."""

    surges: list[Injected]
    delays: list[float | None]
    ends: list[float]
    false_alarms: list[tuple[datetime, datetime | None]]
    weeks: float

    def recall(self, minutes: float, factors: Iterable[float]) -> tuple[float, int]:
        wanted = set(factors)
        chosen = [delay for surge, delay in zip(self.surges, self.delays) if surge.factor in wanted]
        return sum(1 for delay in chosen if delay is not None and delay <= minutes) / len(chosen), len(chosen)


def inject(seed: int, first: date, days: int, number: int) -> list[Injected]:
    chance = random.Random(f"surges {seed}")
    slot = days * 86400 / max(number, 1)
    surges = []
    for place in range(number):
        begun = datetime.combine(first, datetime.min.time(), UTC) + timedelta(
            seconds=place * slot + chance.uniform(0, max(0.0, slot - 4 * 3600))
        )
        surges.append(
            Injected(begun, begun + timedelta(minutes=chance.uniform(20, 120)), FACTORS[place % len(FACTORS)])
        )
    return surges


REPLAY = """
create temporary table replay (at timestamptz primary key, calls bigint);
create aggregate pg_temp.watch(timestamptz, float8, float8, float8, timestamptz, integer)
  (sfunc = _wedding_dbopt.surge_step, stype = _wedding_dbopt.surge_state)
"""
WATCH = """
select at, surge_since is not null from (
  select r.at, (pg_temp.watch(r.at, r.minutes, r.calls, e.calls_per_minute, e.fitted_at, e.history_days)
                over (order by r.at rows unbounded preceding)).surge_since
  from (select at, calls::float8 as calls, lag(at) over (order by at) as previous_at,
               extract(epoch from at - lag(at) over (order by at))::float8 / 60 as minutes from replay) r
  cross join lateral _wedding_dbopt.expected_pass('replay', r.previous_at, r.at) e
  where r.previous_at is not null) w
order by at
"""


def watch(
    session: Session, traffic: Traffic, first: date, days: int, number: int, fit_every: int = 1
) -> Watched:
    """Replay minutes through the extension's own step, with the load expected by fits at the pace of `fit_every` days."""
    surges = inject(traffic.seed, first, days, number)
    minutes = list(
        traffic.counts(1, first, first + timedelta(days=days), [(s.begun, s.ended, s.factor) for s in surges])
    )
    past = hours_of(traffic.counts(60, traffic.first, first), traffic.zone)
    present = hours_of(minutes, traffic.zone)
    session.execute("drop table if exists replay")
    session.execute(
        "drop aggregate if exists pg_temp.watch(timestamptz, float8, float8, float8, timestamptz, integer)"
    )
    session.execute(REPLAY)
    session.execute("delete from _wedding_dbopt.expected_hour")
    with session.cursor().copy("copy replay from stdin") as copy:
        for count in minutes:
            if count.observed:
                copy.write_row((count.at, count.calls))
    with session.cursor().copy("copy _wedding_dbopt.expected_hour from stdin") as copy:
        for day in range(0, days, fit_every):
            known = past + present[: day * 24]
            ahead = present[day * 24 : (day + fit_every) * 24 + 1]
            if len(known) < 24:
                continue
            fitted_at = ahead[0].begun
            for hour, load in zip(
                ahead[: fit_every * 24], fit_load(history(known), SEASONS).hours([h.local for h in ahead])
            ):
                copy.write_row(
                    ("replay", hour.begun, load.expected, load.low, load.high, fitted_at, len(known) // 24)
                )
    session.execute("analyze replay; analyze _wedding_dbopt.expected_hour")
    states = session.execute(WATCH).fetchall()
    return judge(surges, [(at, on) for at, on in states], days / 7)


def judge(surges: list[Injected], states: list[tuple[datetime, bool]], weeks: float) -> Watched:
    alarms: list[tuple[datetime, datetime | None]] = []
    was = False
    for at, on in states:
        if on and not was:
            alarms.append((at, None))
        elif was and not on:
            alarms[-1] = (alarms[-1][0], at)
        was = on
    delays: list[float | None] = []
    ends = []
    true = set()
    for surge in surges:
        mine = [
            place
            for place, (begun, ended) in enumerate(alarms)
            if begun <= surge.ended + timedelta(minutes=2) and (ended is None or ended > surge.begun)
        ]
        true.update(mine)
        found = [max(0.0, (alarms[place][0] - surge.begun).total_seconds() / 60) for place in mine]
        delays.append(min(found) if found else None)
        last = alarms[mine[-1]][1] if mine else None
        if last is not None:
            ends.append((last - surge.ended).total_seconds() / 60)
    return Watched(
        surges, delays, ends, [alarm for place, alarm in enumerate(alarms) if place not in true], weeks
    )


# ---------------------------------------------------------------- what a pass costs
def passes_cpu_ms(session: Session, number: int) -> float:
    """Median CPU of the watch for a pass in which every context ran, with a forecast in place."""
    session.execute(
        """insert into _wedding_dbopt.expected_hour (context, hour, calls_per_minute, low, high, fitted_at, history_days)
           select c.context, h, 60, 50, 70, '2001-01-01Z', 400
           from generate_series(timestamptz '2001-01-01Z', '2001-01-29Z', '1 hour') h,
                (select context from _wedding_dbopt.contexts() union all select 'all') c;
           select _wedding_dbopt.make_partitions('2001-01-10Z') from generate_series(1, 100)"""
    )
    used = []
    for minute in range(number):
        at = datetime(2001, 1, 10, tzinfo=UTC) + timedelta(minutes=minute)
        session.execute(
            """insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
               values (%s, %s, true, '{}', '{}', '{}', '{}')""",
            [at, at - timedelta(minutes=1)],
        )
        session.execute(
            """insert into _wedding_dbopt.context_sample (at, previous_at, context, calls, exec_ms, exec_sq, rows, hit, read)
               select %s, %s, context, 60, 60, 60, 0, 0, 0 from _wedding_dbopt.contexts()""",
            [at, at - timedelta(minutes=1)],
        )
        begun = cpu_ms(session)
        session.execute("select _wedding_dbopt.sample_surges(%s)", [at])
        used.append(cpu_ms(session) - begun)
    return statistics.median(used[number // 10 :])


def show_surges(session: Session) -> None:
    traffic = Traffic(2024, date(2022, 9, 1), 430 + DAYS, peak=60, season=3)
    seen = watch(session, traffic, date(2023, 11, 1), DAYS, SURGES)
    print(
        f"\n  {len(seen.surges)} surges in {DAYS} days of minutes, through the extension's own step, one fit a day"
    )
    print(f"  {'factor':10} {'cases':>6} {'found in 2 min':>15} {'in 10 min':>10}")
    for factors in (*((factor,) for factor in FACTORS), FACTORS):
        (soon, number), (late, _) = seen.recall(2, factors), seen.recall(10, factors)
        print(
            f"  {'all' if len(factors) > 1 else f'x{factors[0]:g}':10} {number:6} {soon:15.1%} {late:10.1%}"
        )
    print(
        f"  false alarms a week: {len(seen.false_alarms) / seen.weeks:.2f} ({len(seen.false_alarms)} in {seen.weeks:.0f} weeks)"
    )
    print(f"  end seen after (median): {statistics.median(seen.ends):.1f} minutes ({len(seen.ends)} cases)")


def show_learning() -> None:
    learned = [learned_multipliers(seed) for seed in range(PLATFORMS)]
    for name, found, bound in (
        ("one season", [one.error for one, _ in learned], 0.15),
        ("two seasons", [two.error for _, two in learned], 0.08),
    ):
        within = sum(1 for error in found if error <= bound) / len(found)
        print(
            f"  multiplier after {name}: error median {statistics.median(found):.1%}, greatest {max(found):.1%}, "
            f"within {bound:.0%}: {within:.0%} of {len(found)} platforms",
            flush=True,
        )
    errors = [forecast_errors(seed) for seed in range(PLATFORMS)]
    hours, days = sum(e.hours for e in errors), sum(e.days for e in errors)
    print(
        f"  forecast of four weeks by the hour, a held-out year, origins a week apart, {PLATFORMS} platforms, {hours} hours:"
    )
    for name, naive in (("the last week repeated", "last_week"), ("the same week a year ago", "last_year")):
        ratios = [e.ours / getattr(e, naive) for e in errors]
        print(
            f"    mean absolute error against {name}: median {statistics.median(ratios):.2f}, worst {max(ratios):.2f}"
        )
    print(f"    80 % interval holds {sum(e.hours_covered for e in errors) / hours:.1%} of the hours", end=" ")
    print(f"and {sum(e.days_covered for e in errors) / days:.1%} of {days} days", flush=True)
    found = cases = 0
    for seed in range(4 * PLATFORMS):
        chance = random.Random(f"peaks {seed}")
        peaks = (chance.uniform(8, 12), chance.uniform(18, 21))
        factors = profile_of(
            Traffic(seed, date(2023, 3, 1), 14, peaks=peaks, peak=chance.choice((20, 60, 300)))
        )
        for peak, hours_near in zip(peaks, (range(5, 15), range(15, 24))):
            top = max(hours_near, key=lambda hour: factors[hour])
            cases += 1
            found += abs(top + 0.5 - peak) <= 1.5
    print(f"  peaks found within an hour in 14 days: {found / cases:.1%} of {cases}")


def run() -> None:
    with Cluster() as cluster:
        cluster.install("test")
        with cluster.connect() as session:
            print(
                f"\n  the watch, all contexts: {passes_cpu_ms(session, PASSES):.2f} ms CPU a pass (median of {PASSES})"
            )
            show_surges(session)
    show_learning()
