"""How well the load of a season is known: surges, forecasts, multipliers, peak hours; and what the watch costs a pass.

The traffic is that of `tests.workload.traffic`, whose formula is not the model's. Every figure stands beside its number of
cases.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tests.bench.measure import Session
from tests.workload.traffic import EPOCH, UTC, Count, Traffic
from wedding_dbopt.season.calendar import Season
from wedding_dbopt.season.forecast import LoadModel, fit_load
from wedding_dbopt.season.history import WEEK, History, hour_of_week

SEASONS = (Season("wedding", "05-01", "10-31", 4.0), Season("proposal", "11-01", "02-29", 1.0))
HOUR = timedelta(hours=1)
FACTORS = (4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True)
class Hour:
    begun: datetime
    local: int
    rate: float
    minutes: float


def hours_of(counts: Iterable[Count], zone: str) -> list[Hour]:
    """The hours as the roll-up would store them: calls and observed minutes."""
    sums: dict[datetime, list[float]] = {}
    for count in counts:
        begun = (count.at - timedelta(microseconds=1)).replace(minute=0, second=0, microsecond=0)
        entry = sums.setdefault(begun, [0.0, 0.0])
        if count.observed:
            entry[0] += count.calls
            entry[1] += count.minutes
    return [Hour(at, local_hour(at, zone), s[0] / s[1] if s[1] else 0.0, s[1]) for at, s in sums.items()]


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_hour(at: datetime, zone: str) -> int:
    local = at.astimezone(_zone(zone))
    return (local.date() - EPOCH).days * 24 + local.hour


def history(hours: list[Hour]) -> History:
    seen = [hour for hour in hours if hour.minutes > 0]
    return History([h.local for h in seen], [h.rate for h in seen], [h.minutes for h in seen])


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
    slot = days * 86400 / number
    surges = []
    for place in range(number):
        begun = datetime.combine(first, datetime.min.time(), UTC) + timedelta(
            seconds=place * slot + chance.uniform(0, max(0.0, slot - 4 * 3600))
        )
        surges.append(Injected(begun, begun + timedelta(minutes=chance.uniform(20, 120)), FACTORS[place % len(FACTORS)]))
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
    session.execute("drop table if exists replay; drop aggregate if exists pg_temp.watch(timestamptz, float8, float8, float8, timestamptz, integer)")
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
            for hour, load in zip(ahead[: fit_every * 24], fit_load(history(known), SEASONS).hours([h.local for h in ahead])):
                copy.write_row(("replay", hour.begun, load.expected, load.low, load.high, fitted_at, len(known) // 24))
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
    return Watched(surges, delays, ends, [alarm for place, alarm in enumerate(alarms) if place not in true], weeks)
