"""The model of a readiness run: stretches, percentiles, and what gives way first."""

from __future__ import annotations

import math
import random

import pytest
from wedding_dbopt.season.readiness import Machine, Model, Scenario, Statement, percentile, stretch

TWO = Machine(cpus=2, at_rest=0.0, busy=0.4)
SEASON = Scenario("season", {"all": 4.0})
OBJECTIVES = {"payment": 20.0, "booking": 50.0}


def simulated_stretch(utilisation: float, cpus: int, source: random.Random) -> float:
    """Mean time in a first come, first served queue with exponential times, in units of service."""
    free = [0.0] * cpus
    now = spent = 0.0
    for _ in range(60_000):
        now += source.expovariate(utilisation * cpus)
        work = source.expovariate(1.0)
        first = min(range(cpus), key=free.__getitem__)
        free[first] = max(free[first], now) + work
        spent += free[first] - now
    return spent / 60_000


@pytest.mark.parametrize(("utilisation", "cpus"), [(0.3, 1), (0.7, 1), (0.5, 2), (0.85, 2), (0.8, 8)])
def test_stretch_is_that_of_a_simulated_queue(utilisation: float, cpus: int) -> None:
    assert stretch(utilisation, cpus) == pytest.approx(
        simulated_stretch(utilisation, cpus, random.Random(1)), rel=0.1
    )


def test_stretch_has_no_end_when_there_is_too_much_work() -> None:
    assert math.isinf(stretch(1.0, 4))


def test_percentile_of_a_mixture_is_that_of_its_draws() -> None:
    source = random.Random(2)
    mixture = [(3.0, 2.0, 1.0), (1.0, 30.0, 20.0)]
    draws = []
    for weight, mean, deviation in mixture:
        sigma = math.sqrt(math.log1p((deviation / mean) ** 2))
        centre = math.log(mean) - sigma**2 / 2
        draws += [source.lognormvariate(centre, sigma) for _ in range(int(20_000 * weight))]
    assert percentile(mixture, 0.95) == pytest.approx(sorted(draws)[int(0.95 * len(draws))], rel=0.03)


def platform(mended: float = 1.0, scanning: float = 0.0) -> list[Statement]:
    """0.4 processors' work: three quarters of it one slow booking search."""
    return [
        Statement("search", "booking", 20.0, 15.0, 5.0, scanning, mended),
        Statement("pay", "payment", 20.0, 5.0, 2.0),
    ]


def test_the_platform_is_reproduced_at_todays_load() -> None:
    state = Model(platform(), TWO, SEASON, OBJECTIVES).at(1.0)
    assert state.utilisation == pytest.approx(0.2)
    assert state.p95["payment"] == pytest.approx(percentile([(1, 5, 2)], 0.95))


def test_the_context_closest_to_its_objective_breaks_first_and_the_cpu_bounds_all() -> None:
    breaks = Model(platform(), TWO, SEASON, OBJECTIVES).breaks()
    assert [one.what for one in breaks] == ["booking", "payment", "cpu"]
    assert 3.0 < breaks[0].factor < 4.5 < breaks[2].factor < 5.0


def test_at_the_season_the_load_is_four_times_as_much() -> None:
    model = Model(platform(), TWO, SEASON, OBJECTIVES)
    assert model.whole == 4.0
    assert model.at(model.whole).utilisation == pytest.approx(0.8)


def test_a_surge_is_counted_in_its_own_mix() -> None:
    model = Model(platform(), TWO, Scenario("surge", {"all": 4.0, "booking": 40.0}), OBJECTIVES)
    assert model.whole == 22.0
    assert model.at(model.whole).utilisation == pytest.approx((40 * 0.3 + 4 * 0.1) / 2)


def test_recommendations_move_the_break() -> None:
    model = Model(platform(mended=0.05), TWO, SEASON, OBJECTIVES, with_actions=True)
    assert model.breaks()[0].factor > 7


def test_what_scans_grows_with_the_tables() -> None:
    grown = Scenario("season", {"all": 4.0}, growth=2.0)
    before = Model(platform(scanning=1.0), TWO, SEASON, OBJECTIVES).breaks()[0].factor
    assert Model(platform(scanning=1.0), TWO, grown, OBJECTIVES).breaks()[0].factor < 0.8 * before


def test_work_of_others_on_the_machine_does_not_grow() -> None:
    shared = Machine(cpus=2, at_rest=1.0, busy=1.4)
    assert Model(platform(), shared, SEASON, OBJECTIVES).at(2.0).utilisation == pytest.approx(0.9)


def test_sessions_break_where_they_are_fewer_than_the_work() -> None:
    assert Model(platform(), TWO, SEASON, OBJECTIVES).breaks(usable_sessions=1)[0].what == "sessions"


def test_no_load_breaks_nothing() -> None:
    assert Model([], Machine(2, 0, 0), SEASON, OBJECTIVES).breaks() == []
