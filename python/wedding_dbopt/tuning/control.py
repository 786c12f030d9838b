"""The control group: statements that a change cannot touch tell what the load, the machine and the hour did.

A change is an action's only where it differs from theirs (difference in differences). How far the controls differ among
themselves, beyond chance, is how far any statement may differ without cause: that goes into every standard error.

Sources: Donald and Lang, Review of Economics and Statistics 89 (2007) 221, and Conley and Taber, ibid. 93 (2011) 113, for
inference with few groups from the spread of the untreated; DerSimonian and Laird, Controlled Clinical Trials 7 (1986) 177, for
that spread.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from wedding_dbopt.tuning.comparison import Change, Index, Noise, Series, compare, side

MIN_CONTROLS = 3
#: Without a control group a statement's figure may well change by this much (log) for reasons of its own ...
ALONE = {"time": 0.2, "blocks": 0.02}
#: ... and by so much more for each unit by which the traffic changed (log), which is all that is then known of the load.
ALONE_TRAFFIC = {"time": 0.35, "blocks": 0.0}
#: Degrees of freedom of that guess.
ALONE_FREEDOM = 6.0
#: A small group may seem to agree by luck: its spread is moderated by this one, which is worth so many degrees of freedom.
USUAL = {"time": 0.1, "blocks": 0.02}
USUAL_FREEDOM = 2.0
#: No control statement counts for more than this share of the group.
LARGEST_SHARE = 0.2
#: A control that changed further from the others than this many robust deviations tells nothing of the load.
OUTLIER = 3.5
#: How far statements' answers to load (powers of the group's) usually go apart, and slices needed to see one's own.
ANSWER = 0.3
ANSWER_SLICES = 20


@dataclass(frozen=True)
class Member:
    """One control statement's figure on both sides."""

    before: Series
    after: Series


@dataclass(frozen=True)
class Control:
    """What the group says of one figure: load by slice, noise, and how statements differ without cause (`spread`, log)."""

    index: Index
    noise: Noise
    spread: float
    freedom: float
    size: int
    doubt: Index = field(default_factory=dict)

    def change(self, before: Series, after: Series) -> Change | None:
        """A statement's change beside the group's, with an error that knows how far statements go apart by themselves."""
        index = _as_it_answers(before, self.index, self.doubt, self.noise)
        found = compare(before, after, index, self.noise)
        if found is None:
            return None
        foreign = self.spread**2 * (1 + 1 / self.size if self.size else 1)
        own = found.error**2 + _variance_of_load(after, self.doubt)
        variance = own + foreign
        if variance <= 0:
            return found
        freedom = variance**2 / (own**2 / found.freedom + foreign**2 / self.freedom)
        return replace(found, error=math.sqrt(variance), freedom=freedom)

    @property
    def drift(self) -> float:
        """The load after the change as a ratio to the one before, all slices alike."""
        past = [value for begun, value in self.index.items() if begun < 0]
        now = [value for begun, value in self.index.items() if begun >= 0]
        return statistics.fmean(now) / statistics.fmean(past) if past and now else 1.0


def control_group(members: Sequence[Member], figure: str, traffic: float = 1.0) -> Control:
    """The group of statements with enough calls on both sides; `figure` is time or blocks, blocks do not follow the load.

    `traffic` is the calls in a slice after the change over those before it, for when there is no group.
    """
    follows_load = figure == "time"
    if len(members) < MIN_CONTROLS:
        spread = ALONE[figure] + ALONE_TRAFFIC[figure] * abs(math.log(traffic))
        return Control({}, Noise(), spread, ALONE_FREEDOM, 0)
    kept = list(members)
    sums = _Sums(kept)
    noise = _noise(kept, sums.index() if follows_load else {})
    changes = [_apart(sums, number, noise, follows_load) for number in range(len(kept))]
    centre, scale = _robust(changes)
    near = [abs(one.log - centre) <= OUTLIER * max(scale, one.error) for one in changes]
    if follows_load and not all(near) and sum(near) >= MIN_CONTROLS:
        kept = [member for member, close in zip(kept, near, strict=True) if close]
        sums = _Sums(kept)
        noise = _noise(kept, sums.index())
    index, doubt = (sums.index(), sums.doubt()) if follows_load else ({}, {})
    freedom = len(members) - 1.0
    spread = math.sqrt(
        (USUAL_FREEDOM * USUAL[figure] ** 2 + freedom * _spread(changes, centre if follows_load else 0.0))
        / (USUAL_FREEDOM + freedom)
    )
    return Control(index, noise, spread, USUAL_FREEDOM + freedom, len(members), doubt)


class _Sums:
    """Each slice's calls, and the group's figure in units of each member's mean before, so that no mixture counts."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        self._weights: list[float] = []
        self._means: list[float] = []
        self._variations: list[float] = []
        for member in members:
            calls = sum(point.calls for point in member.before)
            self._means.append(sum(point.total for point in member.before) / calls)
            squares = sum(point.squares or 0.0 for point in member.before) / calls
            self._variations.append(max(squares / self._means[-1] ** 2 - 1, 0.1))
            self._weights.append(1 / self._variations[-1])
        calls_of = [sum(p.calls for p in [*member.before, *member.after]) for member in members]
        for _ in range(3):
            whole = sum(weight * calls for weight, calls in zip(self._weights, calls_of, strict=True))
            self._weights = [
                min(weight, LARGEST_SHARE * whole / calls)
                for weight, calls in zip(self._weights, calls_of, strict=True)
            ]
        self._found: dict[float, float] = {}
        self._expected: dict[float, float] = {}
        self._chance: dict[float, float] = {}
        for number in range(len(members)):
            self._add(number, self._found, self._expected, 1.0)
            for point in (*members[number].before, *members[number].after):
                self._chance[point.begun] = (
                    self._chance.get(point.begun, 0.0)
                    + self._weights[number] ** 2 * self._variations[number] * point.calls
                )

    def doubt(self) -> dict[float, float]:
        """The variance of each slice's load that its calls alone make, relative."""
        return {
            begun: self._chance[begun] / calls**2 for begun, calls in self._expected.items() if calls > 0.5
        }

    def _add(self, number: int, found: dict[float, float], expected: dict[float, float], sign: float) -> None:
        weight, mean = self._weights[number], self._means[number]
        member, by_calls, by_total = self._members[number], sign * weight, sign * weight / mean
        for point in (*member.before, *member.after):
            begun = point.begun
            found[begun] = found.get(begun, 0.0) + by_total * point.total
            expected[begun] = expected.get(begun, 0.0) + by_calls * point.calls

    def index(self, without: int | None = None) -> dict[float, float]:
        found, expected = self._found, self._expected
        if without is not None:
            found, expected = dict(found), dict(expected)
            self._add(without, found, expected, -1.0)
        return {
            begun: found[begun] / calls
            for begun, calls in expected.items()
            if calls > 0.5 and found[begun] > 0
        }

    def member(self, number: int) -> Member:
        return self._members[number]


def _apart(sums: _Sums, number: int, noise: Noise, follows_load: bool) -> Change:
    """One control's change beside the others'."""
    member = sums.member(number)
    index = _as_it_answers(member.before, sums.index(number), sums.doubt(), noise) if follows_load else {}
    found = compare(member.before, member.after, index, noise)
    return found or Change(0.0, 1.0, 1.0, 0.0, 0.0, 0, 0, False)


def _as_it_answers(before: Series, index: Index, doubt: Index, noise: Noise) -> Index:
    """The group's load as one statement answers to it: raised to the power that its own slices before the change show.

    The power is drawn towards 1, the more so the less the load varied; the chance of the group's calls is no load.
    """
    known = [point for point in before if point.begun in index]
    one = side(known, [1.0] * len(known), {}) if len(known) >= ANSWER_SLICES else None
    if one is None or one.mean <= 0:
        return index
    usual_load = sum(share * index[p.begun] for share, p in zip(one.shares, known, strict=True))
    varied = followed = unexplained = 0.0
    for share, rest, point in zip(one.shares, one.residuals, known, strict=True):
        load = index[point.begun] / usual_load - 1
        varied += share * (load**2 - doubt[point.begun])
        followed += share * load * rest
        unexplained += share * (rest - load) ** 2
    if varied <= 0 or unexplained <= 0:
        return index
    told = varied / (unexplained * one.evenness * (1 + noise.memory) / (1 - noise.memory))
    usual = 1 / ANSWER**2
    power = (usual + told * followed / varied) / (usual + told)
    return {begun: load**power for begun, load in index.items()}


def _variance_of_load(points: Series, doubt: Index) -> float:
    """How uncertain the group's load over a statement's slices is by the chance of the group's calls, as a variance."""
    calls = _calls(points)
    return sum((point.calls / calls) ** 2 * doubt.get(point.begun, 0.0) for point in points) if calls else 0.0


def _noise(members: Sequence[Member], index: Index) -> Noise:
    """The usual variance between slices of the members, and what a slice hands on to the next."""
    between: list[float] = []
    handed = excess = lengths = 0.0
    for member in members:
        one = side(member.before, [1.0] * len(member.before), index)
        if one is None or len(one.shares) < 4:
            continue
        extra = one.spread - one.floor
        between.append(extra / one.evenness)
        deviations = [share * rest for share, rest in zip(one.shares, one.residuals, strict=True)]
        scale = one.evenness
        handed += sum(a * b for a, b in zip(deviations, deviations[1:], strict=False)) / scale
        excess += max(extra, 0.0) / scale
        lengths += 1 / len(one.shares)
    if not between:
        return Noise()
    memory = handed / excess if excess > 0 else 0.0
    shorter = lengths / len(between)  # short series show less of it than there is
    memory = memory + (1 + 4 * memory) * shorter if memory > 0 else memory
    return Noise(
        max(statistics.fmean(sorted(between)[: -max(len(between) // 10, 1)] or between), 0.0),
        min(max(memory, 0.0), 0.9),
    )


def _robust(changes: Sequence[Change]) -> tuple[float, float]:
    centre = statistics.median(one.log for one in changes)
    return centre, 1.4826 * statistics.median(abs(one.log - centre) for one in changes)


def _spread(changes: Sequence[Change], centre: float) -> float:
    """The variance of the members' true changes: the method of moments of DerSimonian and Laird."""
    weights = [1 / max(one.error**2, 1e-6) for one in changes]
    whole = sum(weights)
    heterogeneity = sum(
        weight * (one.log - centre) ** 2 for weight, one in zip(weights, changes, strict=True)
    )
    scale = whole - sum(weight * weight for weight in weights) / whole
    return max((heterogeneity - (len(changes) - 1)) / scale, 0.0) if scale > 0 else 0.0


def members(pairs: Sequence[tuple[Series, Series]], min_calls: int) -> list[Member]:
    """Those of the pairs (before, after) that have enough calls on both sides and cost something."""
    return [
        Member(before, after)
        for before, after in pairs
        if min(_calls(before), _calls(after)) >= min_calls and min(_cost(before), _cost(after)) > 0
    ]


def _calls(points: Series) -> int:
    return sum(point.calls for point in points)


def _cost(points: Series) -> float:
    return sum(point.total for point in points)
