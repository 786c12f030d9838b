"""Which indexes a workload is worth: the entry point of this package.

The steps: plan every statement as it is; derive candidates from its text and from what its plan shows; let
the planner pick among them; choose a set for the whole workload within the budget; prove GIN and
GiST indexes on a sample where the chosen ones leave a search dear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..catalog import Catalog
from .choose import Chooser
from .cost import WriteRate
from .dated import Dating
from .explore import Explorer, Vary
from .full_text import Prove
from .limits import NO_LIMITS, Limits
from .parts import without_twins
from .reality import Beyond
from .recommendation import Recommendation
from .selection.select import GIVEN_UP
from .size import index_bytes
from .sizes import Estimate, Measure, Sizes
from .skew import Represent
from .what_if import PlanSource, WhatIf
from .workload import FEW_STATEMENTS, Unread, Workload, WorkloadStatement

DAY = 86400.0
# Few statements may each be planned often; of many none may, or the search would take minutes.
MOST_PLANS_OF_FEW = 3000
MOST_PLANS = 1900
PLANS_PER_STATEMENT = 19
# So much of the time is gone when these steps end, so that what was read is explored, and chosen from.
_READING_SHARE = 0.3
_EXPLORING_SHARE = 0.5


@dataclass(frozen=True)
class Advice:
    """Recommendations by falling benefit; statements that were not looked at; what-if EXPLAINs spent.

    `left` is what should be left of each statement's time with all B-trees, 0..1; `left_out` says what would pay and was
    left out for the number of indexes or for its writing alone; `unproven` are statements and what no proof was had for.
    """

    recommendations: tuple[Recommendation, ...]
    unread: tuple[Unread, ...]
    explain_calls: int
    left: Mapping[str, float] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    unproven: tuple[tuple[str, str], ...] = ()

    @property
    def skipped(self) -> tuple[tuple[str, str], ...]:
        """Each statement that did not get all of its advice, with the reason."""
        return (*((item.key, item.reason) for item in self.unread), *self.unproven)


def advise(
    statements: Sequence[WorkloadStatement],
    catalog: Catalog,
    source: PlanSource,
    *,
    storage_budget: int,
    deadline: float,
    clock: Callable[[], float],
    max_width: int = 3,
    writes: Mapping[tuple[str, str], WriteRate] | None = None,
    window_seconds: float = DAY,
    prove: Prove | None = None,
    measure: Measure | None = None,
    represent: Represent | None = None,
    vary: Vary | None = None,
    dating: Dating | None = None,
    limits: Limits = NO_LIMITS,
    most_plans: int | None = None,
    size: Estimate = index_bytes,
    corrected: bool = True,
    cost_alone: bool = False,
    given_up: float = GIVEN_UP,
) -> Advice:
    """Choose indexes of at most `storage_budget` bytes in total, by the time `clock()` reaches `deadline`.

    The search ends after about `most_plans` EXPLAINs too (None: 3000 for up to 40 statements, else 1900, or 19 per statement),
    so that a slow machine gives the same answer as a fast one.
    `writes` gives a table's rates by (schema, table); `window_seconds` is the time the calls were counted in;
    `prove` builds a GIN or GiST index on a sample (without it none is recommended); `measure` counts keys on one;
    `vary` makes another text of a statement known to the source;
    `represent` gives a statement's forms with constants, asked for where values are skewed; `dating`
    allows for indexes that begin at a date; `limits` bounds the number of indexes.
    `cost_alone` judges a set by the planner's cost without what he leaves out; `given_up` of the workload's time may go for
    large gains of single statements. `size` and `corrected` are there to compare with advisors that take both from HypoPG.
    Failures of single statements are reported in `unread`; every hypothetical index is dropped again.
    """
    sizes = Sizes(size, measure)
    beyond = None if cost_alone else Beyond(catalog, sizes.share)
    kept = sizes.kept if corrected else (lambda relation, asked: None)
    what_if = WhatIf(source, sizes.size, corrected, sizes.leaves, beyond, sizes.height, kept)
    workload = Workload(what_if)
    explorer = Explorer(workload, catalog, sizes, max_width, dating, vary if corrected else None)
    chooser = Chooser(workload, sizes, writes or {}, window_seconds, limits, given_up)
    started = clock()
    try:

        def over(part: float = 1.0) -> bool:
            return clock() > started + part * (deadline - started)

        explorer.read(statements, lambda: over(_READING_SHARE))
        explorer.explore(represent, lambda: over(_EXPLORING_SHARE))

        of_many = max(MOST_PLANS, PLANS_PER_STATEMENT * len(statements))
        limit = most_plans or (MOST_PLANS_OF_FEW if len(statements) <= FEW_STATEMENTS else of_many)

        def late(part: float = 1.0) -> bool:
            return over(min(part, 1.0)) or what_if.calls >= part * limit

        found = chooser.choose(storage_budget, late, over)
        searched = [] if prove is None else chooser.search_indexes(prove, storage_budget, found, over)
        if searched:
            left = storage_budget - sum(item.estimated_bytes for item in searched)
            limit += limit // 4
            found = searched + chooser.choose(left, late, over)
    finally:
        what_if.close()
    found = without_twins(found, catalog)
    found.sort(key=lambda item: (-item.total_benefit_ms, item.name))
    return Advice(
        tuple(found),
        tuple(explorer.unread),
        what_if.calls,
        chooser.left,
        tuple(chooser.left_out),
        tuple(chooser.unproven),
    )
