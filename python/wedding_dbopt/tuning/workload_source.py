"""Where an index search gets its plans from: statements by key, planned as those who issued them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.database import DatabaseError
from wedding_dbopt.errors import DboptError
from wedding_dbopt.indexes.plan_conditions import scanned
from wedding_dbopt.plan import Plan
from wedding_dbopt.planning import PlanningSession
from wedding_dbopt.query import Query, Table
from wedding_dbopt.representatives import bindings
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.tuning.members import Member


class WorkloadSource:
    """The plan source of a workload: statements by key, each planned as its own role.

    `plain` are plans without hypothetical indexes that are known already.
    """

    def __init__(
        self,
        session: PlanningSession,
        members: Sequence[Member],
        plain: Mapping[str, dict[str, Any]] | None = None,
    ) -> None:
        self._session = session
        self._members = {member.statement.key: member for member in members}
        self._plain = dict(plain or {})
        self.drop_hypothetical = session.drop_hypothetical
        self.hidden = session.hidden

    def tables(self, key: str) -> list[Table]:
        """The tables a statement names and those its plan reads, which views and policies bring in. Raises DboptError.

        The plan is kept until the first hypothetical index is made.
        """
        self._plain[key] = self.explain(key)
        query = self._members[key].statement.query
        return [*query.tables, *scanned(Plan.from_json(self._plain[key]))]

    def create_hypothetical(self, wanted: Sequence[tuple[str, tuple[str, str]]]) -> list[int]:
        if wanted:
            self._plain.clear()
        return self._session.create_hypothetical(wanted)

    def explain(self, key: str) -> Any:
        if key in self._plain:
            return self._plain[key]
        member = self._members[key]
        return self._session.explain(member.statement.query, member.userid)

    def with_constants(self, key: str, catalog: Catalog) -> dict[str, Query]:
        """A statement's forms with representative constants, by the keys they are known by from now on."""
        member = self._members[key]
        query = member.statement.query
        found: dict[str, Query] = {}
        try:
            with self._session.running(query, member.userid) as execution:
                for binding in bindings(query, Facts(catalog), execution):
                    found[f"{key} {binding.label}"] = Query.parse(binding.bound(query.plannable))
        except (DboptError, DatabaseError):
            return {}
        for name, bound in found.items():
            self._members[name] = replace(member, statement=replace(member.statement, key=name, query=bound))
        return found

    def vary(self, key: str, name: str, text: str) -> str:
        """Another text of a statement, planned as its role, by the key it is known by from now on."""
        member = self._members[key]
        statement = replace(member.statement, key=name, query=Query.parse(text))
        self._members[name] = replace(member, statement=statement)
        return name
