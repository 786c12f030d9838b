"""What analyze_query tells of plans, costs and changes: figures by node, and sentences with numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wedding_dbopt.indexes.advise import Advice
from wedding_dbopt.plan import Plan
from wedding_dbopt.rewrite.choice import NO_RULE, Choice
from wedding_dbopt.rewrite.engine import Rewriting, Step
from wedding_dbopt.rewrite.measure import Measured, Pair
from wedding_dbopt.rewrite.option import Option

#: How much examined rows must exceed returned ones to be worth a sentence.
MANY_TIMES = 100
#: Characters of a part of a statement in a note.
LONGEST_PART = 120


@dataclass(frozen=True)
class Together:
    """A text, equal in its rows, that pays with indexes of its own, and they with it.

    The costs are those of the statement as it is, with the indexes advised for its own text, and of both together.
    """

    rewriting: Rewriting
    advice: Advice
    before: float
    apart: float
    after: float


def costs(plan: Plan, table_rows: Mapping[str, float], measured: Measured | None) -> dict[str, Any]:
    """The figures of a plan: the planner's, and the measured ones if it ran."""
    summary = plan.summary()
    return {
        "startup_cost": plan.root.startup_cost,
        "total_cost": plan.total_cost,
        "rows_returned": plan.rows_returned,
        "rows_examined": round(plan.rows_examined(table_rows)),
        "width": plan.root.width,
        "top_node": summary["nodes"][0]["node"] if summary["nodes"] else None,
        "nodes": (measured.plan if measured else plan).summary()["nodes"],
        "measured_ms": round(measured.ms, 3) if measured else None,
        "measured_buffers": measured.buffers if measured else None,
        "measured_rows": measured.rows if measured else None,
    }


def step(taken: Step) -> dict[str, Any]:
    """A step with the constraints that its proof rests on."""
    return {
        "rule": taken.rule,
        "before": taken.before,
        "after": taken.after,
        "proof": taken.proof,
        "constraints": list(taken.constraints),
    }


def option(offer: Option, original: Plan, cost: float | None) -> dict[str, Any]:
    """An offer with what it would save, by the planner's cost or in bytes."""
    before = original.total_cost
    saves = []
    if cost is not None and before > 0:
        share = 100 * (1 - cost / before)
        change = f"{share:.1f} % lower" if share > 0 else "not lower"
        saves.append(f"The planner's cost becomes {cost:,.2f} instead of {before:,.2f}: {change}.")
    if offer.bytes_saved:
        saves.append(f"About {offer.bytes_saved * max(original.rows_returned, 1):,.0f} bytes less are sent.")
    return {
        "kind": offer.kind,
        "text": offer.text,
        "changes": offer.changes,
        "saves": " ".join(saves) or None,
        "next_page": offer.more,
        "proof_sql": list(offer.proof_sql),
        "cost_before": before,
        "cost_after": cost,
    }


def notes(
    choice: Choice,
    advice: Advice,
    missing: str | None,
    original: Plan,
    table_rows: Mapping[str, float],
    options: Sequence[Option] = (),
    together: Together | None = None,
) -> list[str]:
    """What was changed, a note for each step; what was not and why; what is offered apart. In plain words with numbers."""
    found = []
    steps = choice.rewriting.steps
    if choice.form is not None:
        found += [f"{step.rule}: {_short(step.before)} became {_short(step.after)}." for step in steps]
        number = "one step" if len(steps) == 1 else f"{len(steps)} steps"
        found.append(f"Rewritten in {number}: same rows, {_gain(choice)}.")
        if choice.refused:
            found.append(
                f"{', '.join(choice.refused)} would apply too, but the planner's cost does not fall by 5 %."
            )
        rests = sorted({name for step in steps for name in step.constraints})
        if rests:
            found.append(
                f"That rests on {', '.join(rests)}: once that is gone, the rewritten form may be wrong."
            )
    elif choice.reason != NO_RULE:
        found.append(choice.reason)
    if together is not None:
        found.append(_pair(together))
    if choice.verdict is not None and choice.verdict.equal is not False:
        found.append(choice.verdict.reason)
    found += [f"Measured, {pair.constants}: {_measured(pair)}." for pair in choice.pairs]
    found += [said for said in (choice.unmeasured, choice.untried) if said]
    found += [f"Offered apart ({offer.kind}): {offer.changes}" for offer in options]
    found += [item.reason for item in advice.recommendations]
    found += [f"No index advice: {reason}." for _, reason in advice.skipped]
    if missing:
        found.append(missing)
    examined, returned = original.rows_examined(table_rows), original.rows_returned
    if examined > MANY_TIMES * max(returned, 1):
        found.append(f"About {examined:,.0f} rows are examined to return {returned:,.0f}.")
    return found


def _pair(together: Together) -> str:
    made = "; ".join(item.create_sql for item in together.advice.recommendations)
    apart = (
        f" (with the index for the text as it is {together.apart:,.1f})"
        if together.apart < together.before
        else ""
    )
    return (
        f"Neither pays alone, but together they do: with the text {_short(together.rewriting.text)}, which returns the same "
        f"rows, and {made} the planner's cost falls from {together.before:,.1f} to {together.after:,.1f}{apart}."
    )


def _short(text: str) -> str:
    """A part of a statement on one line, its middle left out where it is long."""
    line = " ".join(text.split())
    return (
        line if len(line) <= LONGEST_PART else f"{line[: LONGEST_PART // 2]} ... {line[-LONGEST_PART // 2 :]}"
    )


def _gain(choice: Choice) -> str:
    if choice.basis == "a rule's own test":
        return "by the rule's own test, because the planner's cost misleads here"
    return f"{choice.basis} {100 * choice.gain:.1f} % lower"


def _measured(pair: Pair) -> str:
    forms = [
        f"{form.ms:,.2f} ms and {form.buffers:,} buffers for {form.rows:,} rows"
        for form in (pair.before, pair.after)
        if form is not None
    ]
    return " became ".join(forms) or "it did not end in time"
