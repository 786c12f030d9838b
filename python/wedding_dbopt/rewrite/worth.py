"""Which of the proven rewrites are worth it: a rule fires only where its step makes the plan cheaper.

Rules that only make an index usable (GATE "free") are tried together, because alternatives of one condition pay only
when all of them are served; they cost nothing but words where they do not help, and then they are left out. Every
other rule must lower the planner's cost by MIN_GAIN with its own step, so that no step hides behind another's gain.
Where cost and time are known to disagree a rule carries its own test (GATE "own") in its precondition.

One trade no generic cost can judge: a plan that walks an index in the wanted order and stops at its LIMIT, for one that
finds all rows and sorts them. How long the walk is depends on the constants, which a parameter hides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wedding_dbopt.plan import Node, Plan
from wedding_dbopt.query import Query
from wedding_dbopt.rewrite.engine import Rewriting, Step, name_of, rewrite, rules_of
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.rules import Rule

#: A step, and a rewriting as a whole, is taken only when the planner's cost falls by this share.
MIN_GAIN = 0.05

#: The generic plan of a text; None where it has none.
Planned = Callable[[str], "Plan | None"]
#: What must be read whole before the first row of it comes.
_WHOLE = (
    "Sort",
    "Hash",
    "HashAggregate",
    "Bitmap Heap Scan",
    "Aggregate",
    "WindowAgg",
    "Materialize",
    "Seq Scan",
)


@dataclass(frozen=True)
class Verdict:
    """What is offered: `rewriting` has steps only where it is worth it.

    `costs` are the planner's before and after. `by_rule` tells that a rule's own test decided, not the cost.
    `refused` names rules that are sound here but did not make the plan cheaper, `unwritten` those whose place in
    the text cannot be written exactly, `gambles` those that give an early stop at a LIMIT away for a sort.
    """

    rewriting: Rewriting
    costs: tuple[float, float]
    by_rule: bool
    refused: tuple[str, ...]
    unwritten: tuple[str, ...] = ()
    gambles: tuple[str, ...] = ()


def worthwhile(query: Query, facts: Facts, level: str, planned: Planned) -> Verdict:
    """Rewrite a statement by the rules of `level` that make it cheaper."""
    known: dict[str, Plan | None] = {}

    def plan_of(text: str) -> Plan | None:
        if text not in known:
            known[text] = planned(text)
        return known[text]

    def cost_of(text: str) -> float | None:
        plan = plan_of(text)
        return None if plan is None else plan.total_cost

    before = cost_of(query.text)
    nothing = Rewriting(query.text, ())
    if before is None:
        return Verdict(nothing, (0.0, 0.0), False, ())
    refused: list[str] = []
    unwritten: list[str] = []
    gambles: list[str] = []

    def gambled(old: str, new: str) -> bool:
        first, second = plan_of(old), plan_of(new)
        return (
            query.parameter_count > 0
            and first is not None
            and second is not None
            and early_stops(second) < early_stops(first)
        )

    def cheaper(old: str, new: str) -> bool:
        first, second = cost_of(old), cost_of(new)
        return first is not None and second is not None and second <= (1 - MIN_GAIN) * first

    def accept(rule: Rule, old: str, new: str) -> bool:
        taken = cost_of(new) is not None if gate_of(rule) == "own" else cheaper(old, new)
        if taken and gambled(old, new):
            gambles.append(name_of(rule))
            return False
        if not taken:
            refused.append(name_of(rule))
        return taken

    rules = rules_of(level, facts.version)
    free = [rule for rule in rules if gate_of(rule) == "free"]
    text, current = query.text, query
    steps: tuple[Step, ...] = ()
    for chosen, judge in ((free, None), ([rule for rule in rules if rule not in free], accept), (free, None)):
        found = rewrite(current, facts, level, chosen, judge)
        unwritten += found.unwritten
        if judge is None and found.steps and cheaper(text, found.text) and gambled(text, found.text):
            gambles += [step.rule for step in found.steps]
        elif found.steps and (judge is not None or cheaper(text, found.text)):
            text, steps = found.text, (*steps, *found.steps)
            current = Query.parse(text)
        elif judge is None and found.steps:
            refused += [step.rule for step in found.steps]
    by_rule = any(gate_of(rule) == "own" for rule in rules if name_of(rule) in {step.rule for step in steps})
    unused = tuple(dict.fromkeys(name for name in refused if name not in {step.rule for step in steps}))
    after = cost_of(text) if steps else before
    if not steps or after is None or not (by_rule or cheaper(query.text, text)):
        unused = unused or tuple(step.rule for step in steps)
        doubtful = tuple(dict.fromkeys(gambles))
        return Verdict(nothing, (before, before), False, unused, tuple(dict.fromkeys(unwritten)), doubtful)
    return Verdict(Rewriting(text, steps), (before, after), by_rule, unused)


def early_stops(plan: Plan) -> int:
    """How many LIMITs of a plan end a walk along an index before it has read everything."""
    return sum(node.type == "Limit" and _walks(node) for node in plan.root.walk())


def _walks(limit: Node) -> bool:
    """Tell whether an index in its own order feeds a node, with nothing in between that reads all rows first."""
    node: Node | None = limit
    while node is not None and node.type not in _WHOLE:
        if node.type in ("Index Scan", "Index Only Scan"):
            return True
        feeding = (child for child in node.children if child.relationship not in ("InitPlan", "SubPlan"))
        node = next(feeding, None)
    return False


def gate_of(rule: Rule) -> str:
    """Return how a rule's step is judged: "free", "cost" or "own"."""
    return str(getattr(rule, "GATE", "cost"))
