"""Whether a rewritten form is offered: by what it costs, and, if it may be run, by what was measured.

What the planner's cost of the generic plan says is worth.py's; with representative constants it must not rise. Where
both forms were measured, buffers and time decide instead, and a referee must have found no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.database import Database, DatabaseError
from wedding_dbopt.errors import DboptError, stack_bound
from wedding_dbopt.plan import Plan
from wedding_dbopt.planning import Execution, PlanningSession
from wedding_dbopt.query import Query
from wedding_dbopt.representatives import Binding, bindings, describe
from wedding_dbopt.rewrite.effects import objection
from wedding_dbopt.rewrite.engine import LONGEST_TEXT, Rewriting, rewrite, rules_of, untouchable
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.measure import MIN_GAIN, Limits, Pair, measure, overall
from wedding_dbopt.rewrite.worth import Verdict as Worth
from wedding_dbopt.rewrite.worth import gate_of, worthwhile

if TYPE_CHECKING:
    from wedding_dbopt.rewrite.referee import Verdict

#: With representative constants it may rise by this share, which is rounding.
TOLERANCE = 0.01
PLAN_SECONDS = 5.0


NO_RULE = "No rule applies."
NOTHING = Rewriting("", ())


@dataclass(frozen=True)
class Costs:
    """The planner's cost of both forms with some constants."""

    constants: str
    before: float
    after: float


@dataclass(frozen=True)
class Choice:
    """What became of a rewriting; `form` and `plan` are None where the original stays, and `reason` says why.

    `refused` are rules that are sound here and do not make it cheaper. `unmeasured` says why nothing was measured,
    `untried` why the planner's costs with representative constants are not all there.
    """

    reason: str
    refused: tuple[str, ...] = ()
    rewriting: Rewriting = NOTHING
    form: Query | None = None
    plan: Plan | None = None
    gain: float = 0.0
    basis: str = "planner cost"
    costs: tuple[Costs, ...] = ()
    pairs: tuple[Pair, ...] = ()
    verdict: Verdict | None = None
    unmeasured: str | None = None
    untried: str | None = None


@dataclass
class Chooser:
    """Decides about the rewritings of one statement."""

    database: Database
    session: PlanningSession
    catalog: Catalog
    facts: Facts
    query: Query
    original: dict[str, Any]
    userid: int | None = None
    limits: Limits = field(default_factory=Limits)

    @stack_bound
    def choose(self, level: str, measured: bool) -> Choice:
        """Rewrite the statement by the rules of a level; offer the form or say why not. Raises TooDeep."""
        if len(self.query.text) > LONGEST_TEXT:
            return Choice(
                f"The statement has {len(self.query.text):,} characters; no rewrite and no offer is sought above "
                f"{LONGEST_TEXT:,}. Lists of values can be passed as one array parameter."
            )
        worth = worthwhile(self.query, self.facts, level, self._planned)
        if not measured:
            return self._by_cost(worth)
        tried: list[Choice] = []
        for rewriting in (worth.rewriting, rewrite(self.query, self.facts, level)):
            if not rewriting.steps or any(rewriting.text == choice.rewriting.text for choice in tried):
                continue
            choice = self._by_measure(rewriting, worth)
            if choice.form is not None:
                return choice
            tried.append(choice)
        return tried[0] if tried else self._measured_alone(worth)

    def served_by_index(self, level: str, choice: Choice) -> Rewriting | None:
        """The text by those rules alone that let an index serve a test, where for want of one they do not pay."""
        if choice.form is not None or not choice.refused:
            return None
        found = for_index(self.query, self.facts, level)
        doubted = choice.verdict is not None and choice.verdict.equal is False
        waits = bool(found.steps) and all(step.rule in choice.refused for step in found.steps)
        return found if waits and not doubted else None

    def _planned(self, text: str) -> Plan | None:
        if text == self.query.text:
            return Plan.from_json(self.original)
        try:
            return Plan.from_json(self.session.explain(Query.parse(text), self.userid))
        except DboptError:
            return None

    def _by_cost(self, worth: Worth) -> Choice:
        if not worth.rewriting.steps:
            return Choice(self._nothing(worth), worth.refused)
        form = Query.parse(worth.rewriting.text)
        names = _names(worth.rewriting)
        plan = Plan.from_json(self.session.explain(form, self.userid))
        before, after = worth.costs
        costs, untried = ((), None) if worth.by_rule else self._with_constants(form)
        worse = next((cost for cost in costs if cost.after > (1 + TOLERANCE) * cost.before), None)
        if worse is not None:
            reason = (
                f"{names} would apply, but with {worse.constants} the planner's cost rises from "
                f"{worse.before:,.2f} to {worse.after:,.2f}, so the text stays as it is."
            )
            return Choice(reason, worth.refused, costs=costs)
        basis = "a rule's own test" if worth.by_rule else "planner cost"
        gain = max(1 - after / before, 0.0) if before > 0 else 0.0
        return Choice("", worth.refused, worth.rewriting, form, plan, gain, basis, costs, untried=untried)

    def _nothing(self, worth: Worth) -> str:
        untouched = untouchable(self.query, self.facts)
        if untouched is not None:
            return untouched
        found = []
        if worth.refused:
            found.append(
                f"{', '.join(worth.refused)} would apply, but the planner's cost does not fall by 5 %, "
                "so the text stays as it is."
            )
        if worth.gambles:
            found.append(
                f"{', '.join(worth.gambles)} would apply, but the statement now stops at its LIMIT along an index in the wanted "
                "order and would sort instead; which is faster depends on the parameters, so only measuring can decide."
            )
        if worth.unwritten:
            found.append(
                f"{', '.join(worth.unwritten)} would apply, but the parser cannot read that part of the text and "
                "write it back exactly with all its parameters, so it is left untouched."
            )
        return " ".join(found) or NO_RULE

    def _with_constants(self, form: Query) -> tuple[tuple[Costs, ...], str | None]:
        """Costs with constants for the parameters, none for a statement without them; and why some could not be had."""
        if not self.query.parameter_count:
            return (), None
        found = []
        try:
            with self.session.running(self.query, self.userid) as execution:
                for binding in bindings(self.query, self.facts, execution):
                    before, after = (
                        Plan.from_json(execution.explain(binding.bound(query.plannable), PLAN_SECONDS))
                        for query in (self.query, form)
                    )
                    found.append(Costs(describe(binding), before.total_cost, after.total_cost))
        except (DatabaseError, ValueError) as error:
            return tuple(found), f"Costs with representative constants could not be compared: {error}."
        return tuple(found), None

    def _measured_alone(self, worth: Worth) -> Choice:
        pairs, why = self._pairs(None)
        return Choice(self._nothing(worth), worth.refused, pairs=pairs, unmeasured=why)

    def _by_measure(self, rewriting: Rewriting, worth: Worth) -> Choice:
        from wedding_dbopt.rewrite.referee import Referee  # much code that only a measurement needs

        form = Query.parse(rewriting.text)
        names = _names(rewriting)
        try:
            plan = Plan.from_json(self.session.explain(form, self.userid))
        except DboptError as error:
            return Choice(f"{names} would apply, but its form cannot be planned: {error}.", worth.refused)
        referee = Referee(self.database, self.session, self.limits)
        verdict = referee.judge(self.query, form, self.catalog, self.original, self.userid)
        if verdict.equal is False:
            reason = f"{names} was withdrawn: {verdict.reason} {verdict.counterexample or ''}".strip()
            return Choice(reason, worth.refused, rewriting, verdict=verdict)
        pairs, why = self._pairs(form)
        if why is not None or not pairs:
            return replace(self._by_cost(worth), verdict=verdict, unmeasured=why)
        judgement = overall(pairs)
        if judgement != "better":
            shown = "; ".join(_shown(pair) for pair in pairs)
            found = "slower" if judgement == "worse" else "no better"
            reason = f"{names} would apply, but measured it is {found}: {shown}."
            return Choice(reason, worth.refused, rewriting, pairs=pairs, verdict=verdict)
        buffers = _mean([pair.buffer_gain for pair in pairs])
        time = _mean([pair.time_gain for pair in pairs])
        by_buffers = buffers >= MIN_GAIN
        return Choice(
            "",
            tuple(name for name in worth.refused if name not in names.split(", ")),
            rewriting,
            form,
            plan,
            buffers if by_buffers else time,
            "measured buffers" if by_buffers else "measured time",
            pairs=pairs,
            verdict=verdict,
        )

    def _pairs(self, form: Query | None) -> tuple[tuple[Pair, ...], str | None]:
        """Measurements with each set of constants, or why there is none."""
        found = objection(self.database, self.query, self.original)
        if found:
            return (), f"Not measured, because {found}."
        expected = Plan.from_json(self.original).rows_returned
        if expected > self.limits.rows:
            return (), f"Not measured: about {expected:,.0f} rows are more than {self.limits.rows:,}."
        try:
            with self.session.running(self.query, self.userid) as execution:
                tried = bindings(self.query, self.facts, execution)
                return tuple(self._pair(execution, binding, form) for binding in tried), None
        except DatabaseError as error:
            return (), f"Not measured: the statement fails ({error.sqlstate})."
        except DboptError as error:
            return (), f"Not measured: {error}."

    def _pair(self, execution: Execution, binding: Binding, form: Query | None) -> Pair:
        return measure(
            execution,
            describe(binding),
            binding.bound(self.query.plannable),
            None if form is None else binding.bound(form.plannable),
            self.limits.seconds,
        )


def for_index(query: Query, facts: Facts, level: str) -> Rewriting:
    """The statement by those rules alone that let an index serve a test; without steps where none applies."""
    free = [rule for rule in rules_of(level, facts.version) if gate_of(rule) == "free"]
    return rewrite(query, facts, level, free)


def _names(rewriting: Rewriting) -> str:
    return ", ".join(dict.fromkeys(step.rule for step in rewriting.steps))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _shown(pair: Pair) -> str:
    forms = [
        "not ended in time" if form is None else f"{form.ms:,.2f} ms and {form.buffers:,} buffers"
        for form in (pair.before, pair.after)
    ]
    return f"{forms[0]} became {forms[1]} ({pair.constants})"
