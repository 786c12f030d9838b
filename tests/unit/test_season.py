"""The model of the load: profile, regression, seasons, forecast; on traffic that is made by another formula."""

from __future__ import annotations

import math
import random
from datetime import date

import pytest
from wedding_dbopt.season.annual import fit_annual
from wedding_dbopt.season.calendar import EPOCH, Season, year_fraction
from wedding_dbopt.season.forecast import fit_load
from wedding_dbopt.season.history import WEEK, History, hour_of_week
from wedding_dbopt.season.profile import fit_profile
from wedding_dbopt.season.regression import Prior, fit, median, quantile

from tests.workload.learning import (
    SEASONS,
    forecast_errors,
    hours_of,
    learned_multipliers,
    profile_of,
)
from tests.workload.traffic import Traffic

MONDAY = (date(2024, 1, 1) - EPOCH).days * 24


def flat(weeks: int, shape: dict[int, float], noise: float = 0.0, seed: int = 1) -> History:
    chance = random.Random(seed)
    hours = range(MONDAY, MONDAY + weeks * WEEK)
    rates = [20 * shape.get(hour % 24, 1.0) * math.exp(chance.gauss(0, noise)) for hour in hours]
    return History(list(hours), rates, [60.0] * len(rates))


def test_quantiles_are_interpolated() -> None:
    assert quantile([1, 2, 3, 4], 0.5) == 2.5
    assert median([5]) == 5
    assert quantile([], 0.8) == 0


def test_a_regression_finds_its_line_in_spite_of_outliers() -> None:
    chance = random.Random(4)
    x = [n / 100 for n in range(300)]
    y = [1 + 2 * value + chance.gauss(0, 0.05) + (3 if n % 20 == 0 else 0) for n, value in enumerate(x)]
    found = fit([[1.0] * 300, x], y, [1.0] * 300, [Prior(0, 10), Prior(0, 10)])
    assert found.mean == pytest.approx([1, 2], abs=0.03)
    assert 0.03 < found.sd < 0.08
    assert abs(found.value([1, 1.5]) - 4) < 0.03
    assert 0 < found.variance([1, 1.5]) < found.variance([1, 6])


def test_without_data_the_prior_stands() -> None:
    found = fit(
        [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], [0.0, 0.1, -0.1], [1.0] * 3, [Prior(0, 1), Prior(1.4, 0.7)]
    )
    assert found.mean[1] == pytest.approx(1.4)
    assert found.variance([0, 1]) == pytest.approx(0.49)


def test_residuals_that_go_together_count_less() -> None:
    chance = random.Random(9)
    steady, alone, state = [], [], 0.0
    for _ in range(400):
        state = 0.8 * state + chance.gauss(0, 0.6)
        steady.append(state)
        alone.append(chance.gauss(0, 1))
    together, apart = (fit([[1.0] * 400], values, [1.0] * 400, [Prior(0, 10)]) for values in (steady, alone))
    assert together.autocorrelation > 0.6 > 0.2 > apart.autocorrelation
    assert together.variance([1]) > 3 * apart.variance([1])


def test_hours_of_the_week_begin_on_monday() -> None:
    assert hour_of_week(MONDAY) == 0
    assert hour_of_week(MONDAY - 1) == 167


@pytest.mark.parametrize(
    ("day", "inside"),
    [
        ("2023-10-31", False),
        ("2023-11-01", True),
        ("2024-02-29", True),
        ("2023-02-28", True),
        ("2024-03-01", False),
    ],
)
def test_a_season_may_run_over_the_new_year(day: str, inside: bool) -> None:
    assert Season("proposal", "11-01", "02-29", 1).includes((date.fromisoformat(day) - EPOCH).days) is inside


def test_a_year_has_its_own_length() -> None:
    assert year_fraction((date(2024, 1, 1) - EPOCH).days) == 0
    assert year_fraction((date(2024, 12, 31) - EPOCH).days) == pytest.approx(365 / 366)


def test_a_profile_has_mean_one_and_the_planted_shape() -> None:
    profile = fit_profile(flat(4, {10: 5.0, 20: 3.0}, 0.1))
    assert sum(profile.factors) / WEEK == pytest.approx(1)
    assert profile.factors[10] / profile.factors[5] == pytest.approx(5, rel=0.1)
    assert profile.factors[WEEK - 4] / profile.factors[5] == pytest.approx(3, rel=0.1)
    low, high = profile.interval(10)[1:]
    assert low < profile.factors[10] < high


def test_a_profile_forgets_holidays_and_surges() -> None:
    history = flat(8, {10: 5.0}, 0.1)
    rates = list(history.rates)
    rates[3 * WEEK + 24 : 3 * WEEK + 48] = [rate * 0.2 for rate in rates[3 * WEEK + 24 : 3 * WEEK + 48]]
    rates[6 * WEEK + 30] *= 12
    clean, spoilt = fit_profile(history), fit_profile(History(history.local_hours, rates, history.minutes))
    assert max(abs(a / b - 1) for a, b in zip(clean.factors, spoilt.factors)) < 0.1


def test_days_that_were_never_seen_take_the_shape_of_the_others() -> None:
    monday_to_wednesday = flat(1, {10: 5.0}, 0.05)
    seen = History(monday_to_wednesday.local_hours[:72], monday_to_wednesday.rates[:72], [60.0] * 72)
    profile = fit_profile(seen)
    assert profile.weeks[5 * 24] == 0
    assert profile.factors[5 * 24 + 10] / profile.factors[5 * 24 + 3] == pytest.approx(5, rel=0.2)


def test_missing_hours_do_not_move_the_level_of_a_day() -> None:
    history = flat(6, {10: 5.0, 11: 5.0, 12: 5.0}, 0.05)
    kept = [
        n
        for n, hour in enumerate(history.local_hours)
        if not (hour % 24 in (10, 11, 12) and hour // 24 % 3 == 0)
    ]
    holes = History(
        [history.local_hours[n] for n in kept], [history.rates[n] for n in kept], [60.0] * len(kept)
    )
    assert fit_profile(holes).factors[10] == pytest.approx(fit_profile(history).factors[10], rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_planted_peaks_are_found_in_fourteen_days(seed: int) -> None:
    traffic = Traffic(seed, date(2023, 3, 1), 14, peaks=(9.5, 19.5), peak=40)
    factors = profile_of(traffic)
    top = max(range(24), key=lambda hour: factors[hour] if hour < 15 else 0)
    evening = max(range(24), key=lambda hour: factors[hour] if hour >= 15 else 0)
    assert abs(top - 9.5) <= 1.5
    assert abs(evening - 19.5) <= 1.5


def test_before_a_season_was_seen_its_multiplier_is_the_prior() -> None:
    levels = dict.fromkeys(
        range((date(2024, 3, 1) - EPOCH).days, (date(2024, 4, 10) - EPOCH).days), (100.0, 1000000.0)
    )
    wedding, proposal = fit_annual(levels, SEASONS).multipliers()
    assert (wedding.seasons_observed, wedding.days_observed) == (0, 0)
    assert wedding.multiplier == pytest.approx(4, rel=0.15)
    assert wedding.low < 2.2 and wedding.high > 7
    assert proposal.multiplier == pytest.approx(1, rel=0.15)


def test_multipliers_are_learned() -> None:
    learned = [learned_multipliers(seed) for seed in range(8)]
    assert {(one.seasons_observed, two.seasons_observed) for one, two in learned} == {(1, 2)}
    assert max(one.error for one, _ in learned) <= 0.15
    assert sum(1 for _, two in learned if two.error <= 0.08) >= 7
    assert max(two.error for _, two in learned) <= 0.1
    for one, two in learned:
        assert two.high / two.low < one.high / one.low


def test_the_forecast_beats_the_last_week_and_its_interval_holds() -> None:
    results = [forecast_errors(seed, origins_apart=60) for seed in range(3)]
    ours, week = sum(r.ours for r in results), sum(r.last_week for r in results)
    assert ours <= 0.8 * week
    assert ours <= 0.8 * sum(r.last_year for r in results)
    covered = sum(r.hours_covered for r in results) / sum(r.hours for r in results)
    assert 0.72 <= covered <= 0.88
    assert 0.65 <= sum(r.days_covered for r in results) / sum(r.days for r in results) <= 0.92


def test_a_day_of_history_gives_a_wide_forecast() -> None:
    week = flat(1, {10: 5.0})
    model = fit_load(History(week.local_hours[:30], week.rates[:30], week.minutes[:30]), SEASONS)
    tomorrow, far = model.hours([MONDAY + 24, MONDAY + 24 * 28])
    assert tomorrow.low < 14 and tomorrow.high > 28
    assert far.high / far.low >= tomorrow.high / tomorrow.low


def test_traffic_is_what_it_says() -> None:
    traffic = Traffic(7, date(2023, 1, 1), 400)
    hours = list(traffic.counts(60, date(2023, 3, 1), date(2023, 4, 30)))
    again = traffic.counts(60, date(2023, 3, 1), date(2023, 4, 30))
    assert [count.calls for count in hours] == [count.calls for count in again]
    assert 1.5 < traffic.multiplier(range(5, 11)) < 4
    assert traffic.season_factor(date(2023, 6, 10)) > 2 > 1.4 > traffic.season_factor(date(2023, 3, 20))
    changed = [
        hour.local % 24 for hour in hours_of(hours, traffic.zone) if hour.begun.date() == date(2023, 3, 26)
    ]
    assert 2 not in changed  # the clock went from 2 to 3
