"""One statement's figure before a change against the same figure after it, in slices of time.

The calls of a minute share its load, so they are worth fewer than their number: a standard error comes from how the slices
differ, and is never below what the calls alone would make. Everything is a ratio, so changes are logarithms.

Sources: the linearised ratio of sums (Cochran, Sampling Techniques, chapter 6); the slices' own noise is moderated by that of
the control group (Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004) 1); what a slice hands on to the
next makes a mean less certain by (1 + r) / (1 - r); hours of the day are matched by direct standardisation (Cochran, chapter 5A).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

#: Slices a side needs to have noise of its own; with fewer the noise of the other side or of the control group stands in.
OWN_SLICES = 4
#: Degrees of freedom that the control group's noise is worth beside a statement's own.
PRIOR_FREEDOM = 10.0
#: Share of the calls after the change whose hours must have been seen before it, to compare the same hours only.
COVERAGE = 0.8
#: A step elsewhere explains the data better when its likelihood ratio is larger by this (a scan over fifty places
#: exceeds it by chance once in twenty).
STEP_MARGIN = 10.0
#: Nearer to the change than this share of a side a step is taken for the change itself.
NEAR = 0.2


@dataclass(frozen=True)
class Slice:
    """What one statement did in one slice of time. `begun` in seconds since the change; `hour` is the local hour of the day."""

    begun: float
    hour: int
    calls: int
    ms: float
    squares: float
    blocks: float
    wal: float = 0.0


class Point(NamedTuple):
    """A slice of one figure: calls, the figure's sum over them, and its sum of squares where that is known."""

    begun: float
    hour: int
    calls: int
    total: float
    squares: float | None


Series = Sequence[Point]
#: What the control group says of each slice (by its beginning): load as a ratio to the time before the change.
Index = Mapping[float, float]


@dataclass(frozen=True)
class Noise:
    """How slices differ beyond their calls: variance between slices, and what one hands on to the next (0 to 0.9)."""

    between: float | None = None
    memory: float = 0.0


@dataclass(frozen=True)
class Change:
    """A figure after the change over the one before, corrected by the control group: `log` with its standard error.

    `step_at` is when (seconds since the change) something else changed the figure, so that only data on this side of it count.
    """

    log: float
    error: float
    freedom: float
    before: float
    after: float
    calls_before: int
    calls_after: int
    same_hours: bool
    step_at: float | None = None

    @property
    def ratio(self) -> float:
        return math.exp(self.log)


def time_points(slices: Sequence[Slice]) -> list[Point]:
    return [Point(s.begun, s.hour, s.calls, s.ms, s.squares) for s in slices if s.calls > 0]


def block_points(slices: Sequence[Slice]) -> list[Point]:
    return [Point(s.begun, s.hour, s.calls, s.blocks, None) for s in slices if s.calls > 0]


def compare(before: Series, after: Series, index: Index, noise: Noise) -> Change | None:
    """The change of one figure; None where a side has no calls or nothing to compare."""
    step_at: float | None = None
    for _ in range(3):  # twice cut, once more compared
        found = _compare(before, after, index, noise)
        if found is None:
            return None
        change, first, second = found
        step = _foreign_step(first, second, change, noise)
        if step is None:
            break
        step_at = step
        if step < 0:
            before = [point for point in before if point.begun >= step]
        else:
            after = [point for point in after if point.begun < step]
    return replace(change, step_at=step_at)


# ---------------------------------------------------------------------- one comparison


@dataclass(frozen=True)
class Side:
    """One side: mean, load, and for each slice its share of the weight and its relative residual.

    `per_call` is the relative variance of a call, `floor` what the calls alone make of the mean's variance.
    """

    points: Series
    shares: list[float]
    residuals: list[float]
    mean: float
    load: float
    calls: int
    per_call: float
    floor: float

    @cached_property
    def evenness(self) -> float:
        """The number of slices by weight (Kish) is its inverse."""
        return sum(share * share for share in self.shares)

    @cached_property
    def spread(self) -> float:
        """The variance of the mean that the slices show, as if they knew nothing of each other."""
        count = len(self.shares)
        squares = sum((share * rest) ** 2 for share, rest in zip(self.shares, self.residuals, strict=True))
        return squares * count / (count - 1) if count > 1 else 0.0


def side(
    points: Series, weights: Sequence[float], index: Index, per_call: float | None = None
) -> Side | None:
    """Mean and residuals of a side; the residual of a slice is what the control group's load does not explain.

    `per_call` is the relative variance of a call where no squares are known; without it the slices tell it.
    """
    whole = calls = total = uneven = 0.0
    for point, weight in zip(points, weights, strict=True):
        calls += point.calls
        whole += weight * point.calls
        total += weight * point.total
        uneven += weight * weight * point.calls
    if whole <= 0:
        return None
    mean = total / whole
    shares = [weight * point.calls / whole for point, weight in zip(points, weights, strict=True)]
    load = _load(points, shares, index)
    if mean <= 0:
        return Side(points, shares, [0.0] * len(points), 0.0, load, round(calls), 0.0, 0.0)
    residuals = [p.total / p.calls / mean - index.get(p.begun, load) / load for p in points]
    if points[0].squares is not None:
        squares = sum(w * (p.squares or 0.0) for p, w in zip(points, weights, strict=True)) / whole
        per_call = max(squares / mean**2 - 1, 0.0)
    elif per_call is None:
        scatter = sum(p.calls * rest * rest for p, rest in zip(points, residuals, strict=True))
        per_call = scatter / (len(points) - 1) if len(points) > 1 else 0.0
    return Side(points, shares, residuals, mean, load, round(calls), per_call, per_call * uneven / whole**2)


def _not_luckier(one: Side, other: Side) -> Side:
    """A few calls seldom show the rare slow ones, so their variance is at least what both sides together say."""
    calls = one.calls + other.calls
    usual = (one.calls * one.per_call + other.calls * other.per_call) / calls if calls else 0.0
    if usual <= one.per_call:
        return one
    scale = usual / one.per_call if one.per_call > 0 else 0.0
    floor = one.floor * scale if scale else usual / max(one.calls, 1)
    return replace(one, per_call=usual, floor=floor)


def _load(points: Series, shares: Sequence[float], index: Index) -> float:
    """The control group's load over the slices in which a statement ran, weighted as its calls are."""
    known = total = 0.0
    for point, share in zip(points, shares, strict=True):
        value = index.get(point.begun)
        if value is not None:
            known += share
            total += share * value
    return total / known if known > 0 else 1.0


def _compare(before: Series, after: Series, index: Index, noise: Noise) -> tuple[Change, Side, Side] | None:
    weights, kept, same_hours = _same_hours(before, after)
    used = [(weight, point) for weight, point in zip(weights, before, strict=True) if weight > 0]
    first = side([point for _, point in used], [weight for weight, _ in used], index)
    if first is None or first.mean <= 0:
        return None
    second = side(kept, [1.0] * len(kept), index, first.per_call)
    if second is None:
        return None
    first, second = _not_luckier(first, second), _not_luckier(second, first)
    variance_first, freedom_first = _variance(first, noise, None)
    variance_second, freedom_second = _variance(second, noise, first)
    variance = variance_first + variance_second
    freedom = (
        variance**2 / (variance_first**2 / freedom_first + variance_second**2 / freedom_second)
        if variance > 0
        else max(freedom_first, freedom_second)
    )
    least = 0.5 * first.mean / max(second.calls, 1)  # no call cost anything: less than half a unit in all
    log = math.log(max(second.mean, least) / first.mean) - math.log(second.load / first.load)
    change = Change(
        log, math.sqrt(variance), freedom, first.mean, second.mean, first.calls, second.calls, same_hours
    )
    return change, first, second


def _same_hours(before: Series, after: Series) -> tuple[list[float], Series, bool]:
    """Weights by which the calls before fall on the hours of the day as those after do, an hour's neighbours included.

    Where the hours after the change were mostly not seen before, all that was seen counts alike.
    """
    seen: dict[int, int] = {}
    of_hour = [0] * 24
    for point in before:
        of_hour[point.hour] += point.calls
    for hour in range(24):
        seen[hour] = of_hour[hour - 1] + of_hour[hour] + of_hour[(hour + 1) % 24]
    wanted: dict[int, int] = {}
    for point in after:
        wanted[point.hour] = wanted.get(point.hour, 0) + point.calls
    everything = sum(wanted.values())
    covered = sum(calls for hour, calls in wanted.items() if seen.get(hour))
    if not everything or covered < COVERAGE * everything:
        return [1.0] * len(before), after, False
    per_call = {hour: calls / seen[hour] for hour, calls in wanted.items() if seen.get(hour)}
    by_hour = [sum(per_call.get(near % 24, 0.0) for near in (hour - 1, hour, hour + 1)) for hour in range(24)]
    return [by_hour[point.hour] for point in before], [p for p in after if p.hour in per_call], True


def _variance(one: Side, noise: Noise, other: Side | None) -> tuple[float, float]:
    """The variance of a side's mean, relative, and its degrees of freedom."""
    wider = (1 + noise.memory) / (1 - noise.memory)
    slices = max(1 / (one.evenness * wider) - 1, 0.0)
    prior = noise.between
    if prior is None and other is not None and len(other.shares) >= OWN_SLICES:
        prior = max(other.spread - other.floor, 0.0) / other.evenness
        weight = max(1 / (other.evenness * wider) - 1, 1.0)
    else:
        weight = PRIOR_FREEDOM
    own = one.spread - one.floor
    if len(one.shares) < OWN_SLICES:
        own, slices = 0.0, 0.0
    if prior is None:
        between, freedom = own, slices
    else:
        freedom = weight + slices
        between = (weight * prior * one.evenness + slices * own) / freedom
    return one.floor + max(between, 0.0) * wider, max(freedom, 1.0)


# ---------------------------------------------------------------------- steps of other origin


def _foreign_step(first: Side, second: Side, change: Change, noise: Noise) -> float | None:
    """When something else than the change moved the figure: a step that explains the data better than one at the change."""
    place, count = len(first.points), len(first.points) + len(second.points)
    if count < 3 * OWN_SLICES or change.error <= 0:
        return None
    scores, jumps = _steps(first, second, change.ratio, noise)
    here = scores[place - 1]
    best: int | None = None
    for number, score in enumerate(scores, start=1):
        reach = max(3.0, NEAR * (place if number < place else count - place))
        if abs(number - place) < reach or score < here + STEP_MARGIN:
            continue
        explains = abs(jumps[number - 1]) >= 0.5 * abs(change.ratio - 1)
        if explains and (best is None or score > scores[best - 1]):
            best = number
    if best is None:
        return None
    return (first.points[best] if best < place else second.points[best - place]).begun


def _steps(first: Side, second: Side, ratio: float, noise: Noise) -> tuple[list[float], list[float]]:
    """For a step behind each slice but the last: how much likelier it makes the data (chi-square), and how high it is."""
    between = noise.between
    if between is None:
        between = max(first.spread - first.floor, 0.0) / first.evenness
    between *= (1 + noise.memory) / (1 - noise.memory)
    values = [1 + rest for rest in first.residuals] + [ratio * (1 + rest) for rest in second.residuals]
    weights = [1 / max(first.per_call / p.calls + between, 1e-8) for p in [*first.points, *second.points]]
    whole = sum(weights)
    total = sum(weight * value for weight, value in zip(weights, values, strict=True))
    left = left_total = 0.0
    scores: list[float] = []
    jumps: list[float] = []
    for weight, value in zip(weights[:-1], values[:-1], strict=True):
        left += weight
        left_total += weight * value
        jumps.append((total - left_total) / (whole - left) - left_total / left)
        scores.append(jumps[-1] ** 2 / (1 / left + 1 / (whole - left)))
    return scores, jumps
