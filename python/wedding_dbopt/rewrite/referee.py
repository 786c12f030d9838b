"""Does a rewritten statement return what the original returns? Both are run, read-only, as the statement's own role.

Three trials, each of which can only say no: columns have the same names and types; the rows that both return now are
the same, in one snapshot, with constants for parameters; and no difference is found on generated tables. What a
statement might do besides reading forbids to run it (effects.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.database import Database, DatabaseError, TimeLimitReached
from wedding_dbopt.errors import DboptError, TooDeep
from wedding_dbopt.planning import Execution, PlanningSession
from wedding_dbopt.query import Query
from wedding_dbopt.representatives import Binding, bindings, describe
from wedding_dbopt.rewrite.comparison import Form, Outcome, compare_columns, compare_digests, returns_the_same
from wedding_dbopt.rewrite.constraints import shapes
from wedding_dbopt.rewrite.counterexample import Search, search
from wedding_dbopt.rewrite.effects import objection
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.measure import Limits

#: Sets the planner's choices apart, to see whether a statement returns the same under another plan.
_OTHER_PLAN = (
    "set local enable_hashagg = off; set local enable_hashjoin = off; set local enable_seqscan = off"
)


@dataclass(frozen=True)
class Verdict:
    """`equal` is False when a difference was seen, None when nothing could be compared."""

    equal: bool | None
    reason: str
    rows_compared: int = 0
    constants: tuple[str, ...] = ()
    sets_compared: int = 0
    counterexample: str | None = None
    gaps: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": {True: "equal", False: "different", None: "undecided"}[self.equal],
            "reason": self.reason,
            "rows_compared": self.rows_compared,
            "constants": list(self.constants),
            "generated_sets_compared": self.sets_compared,
            "counterexample": self.counterexample,
            "not_checked": list(self.gaps),
        }


class Referee:
    """Judges rewritten forms of statements; lives inside a planning session."""

    def __init__(self, database: Database, session: PlanningSession, limits: Limits | None = None) -> None:
        self._database = database
        self._session = session
        self._limits = limits or Limits()

    def judge(
        self, before: Query, after: Query, catalog: Catalog, plan: dict[str, Any], userid: int | None = None
    ) -> Verdict:
        """Compare both forms; `plan` is the original's. Raises nothing but what the caller's own session brings."""
        found = objection(self._database, before, plan)
        if found:
            return Verdict(None, f"Not run, because {found}.")
        if not set(after.tables) <= set(before.tables):
            tables = [*before.tables, *after.tables]
            catalog = Catalog.load(self._database, tables, self._session.search_path(userid))
        try:
            self._session.explain(after, userid)
            with self._session.running(before, userid) as execution:
                return self._judged(before, after, catalog, plan, execution)
        except TimeLimitReached:
            return Verdict(None, f"Not compared within {self._limits.seconds:g} s.")
        except DboptError as error:
            return Verdict(None, f"Not compared: {error}.")
        except RecursionError:
            return Verdict(None, f"Not compared: {TooDeep()}.")
        except DatabaseError as error:
            return Verdict(None, f"Not compared: the server refuses it ({error.sqlstate}).")

    def _judged(
        self, before: Query, after: Query, catalog: Catalog, plan: dict[str, Any], execution: Execution
    ) -> Verdict:
        tried = bindings(before, Facts(catalog), execution)
        binding = tried[0]
        outcome = compare_columns(
            lambda text: _run(execution, text, self._limits.seconds),
            binding.bound(before.plannable),
            binding.bound(after.plannable),
        )
        if outcome.equal is False:
            return Verdict(False, f"The rewritten form differs: {outcome.why}.")
        gaps: list[str] = []
        rows = 0
        constants = []
        for binding in tried:
            outcome = self._compared(binding, before, after, plan, execution)
            rows += outcome.rows
            if outcome.equal is False:
                return Verdict(
                    False,
                    f"The rewritten form returns something else: {outcome.why}.",
                    rows,
                    (describe(binding),),
                    counterexample=f"On the present rows, {describe(binding)}: {outcome.why}",
                )
            if outcome.equal is None:
                gaps.append(f"present rows, {describe(binding)}: {outcome.why}")
            else:
                constants.append(describe(binding))
        looked = self._searched(tried, before, after, catalog, execution)
        if looked.undone:
            gaps.append(f"generated rows: {looked.undone}")
        gaps += [f"generated rows of {reason}" for reason in looked.incomplete]
        if looked.counterexample is not None:
            shown = looked.counterexample.text()
            return Verdict(
                False, "The forms differ on generated rows.", rows, tuple(constants), looked.decided, shown
            )
        equal = True if constants or looked.decided else None
        reason = (
            f"Both forms return the same {rows:,} rows now, and agree on {looked.decided} sets of generated tables, "
            f"of which {looked.fruitful} give rows."
            if equal
            else f"Nothing could be compared: {'; '.join(gaps)}."
            if gaps
            else "Nothing could be compared."
        )
        return Verdict(equal, reason, rows, tuple(constants), looked.decided, None, tuple(gaps))

    def _compared(
        self, binding: Binding, before: Query, after: Query, plan: dict[str, Any], execution: Execution
    ) -> Outcome:
        expected = float(plan.get("Plan", {}).get("Plan Rows", 0))
        if expected > self._limits.rows:
            return Outcome(None, 0, f"about {expected:,.0f} rows are more than {self._limits.rows:,}")
        first, second = (Form.of(binding.bound(query.plannable)) for query in (before, after))
        try:
            outcome = compare_digests(
                lambda text: _run(execution, text, self._limits.seconds), first, second, self._limits.rows
            )
            if outcome.equal is False and not self._is_determined(first, execution):
                return Outcome(None, outcome.rows, "the statement itself does not decide which rows come")
            return outcome
        except TimeLimitReached:
            return Outcome(None, 0, f"not compared within {self._limits.seconds:g} s")
        except DatabaseError as error:
            return self._failed(first, second, execution, error)

    def _is_determined(self, form: Form, execution: Execution) -> bool:
        """Whether the original returns the same under another plan."""

        def other(text: str) -> Any:
            return _run(execution, text, self._limits.seconds, _OTHER_PLAN)

        return returns_the_same(
            lambda text: _run(execution, text, self._limits.seconds), other, form, self._limits.rows
        )

    def _failed(self, before: Form, after: Form, execution: Execution, error: DatabaseError) -> Outcome:
        """An error of the original decides nothing, one of the new form alone does."""
        for form in (before, after):
            try:
                _run(
                    execution,
                    f"select pg_catalog.count(r)::text from ({form.text}\n) r",
                    self._limits.seconds,
                )
            except TimeLimitReached:
                raise
            except DatabaseError as failure:
                if form is after:
                    return Outcome(False, 0, f"it fails with SQLSTATE {failure.sqlstate}")
                return Outcome(None, 0, f"the statement fails ({failure.sqlstate})")
        return Outcome(None, 0, f"the forms cannot be compared ({error.sqlstate})")

    def _searched(
        self,
        tried: tuple[Binding, ...],
        before: Query,
        after: Query,
        catalog: Catalog,
        execution: Execution,
    ) -> Search:
        made = shapes(self._database, catalog)
        total = Search(0, 0, 0)
        for binding in tried:
            found = search(
                execution,
                catalog,
                made,
                binding.bound(before.plannable),
                binding.bound(after.plannable),
                seeds=self._limits.seeds,
                seconds=self._limits.search_seconds / len(tried),
            )
            total = Search(
                total.tried + found.tried,
                total.decided + found.decided,
                total.rows + found.rows,
                total.fruitful + found.fruitful,
                found.counterexample,
                found.undone or total.undone,
                found.incomplete,
            )
            if found.counterexample is not None:
                break
        return total


def _run(execution: Execution, text: str, seconds: float, setup: str = "") -> Any:
    return json.loads(execution.read(text, seconds, setup=setup) or "null")
