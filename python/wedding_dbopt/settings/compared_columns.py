"""Which columns of the user's tables the workload compares, and what the advice on their statistics shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from wedding_dbopt.catalog import Catalog, Column, Relation
from wedding_dbopt.database import Database
from wedding_dbopt.errors import TooDeep
from wedding_dbopt.indexes.candidates import eligible
from wedding_dbopt.indexes.predicates import TableUse, table_uses
from wedding_dbopt.planning import PlanningSession
from wedding_dbopt.settings.advice import Affected
from wedding_dbopt.settings.plans import Planned

Place = TypeVar("Place")
#: A table and the statements that ask for something of it.
Asked = tuple[Relation, list[Affected]]

#: So many columns, pairs and groupings are looked at, those that cost most first.
MOST = 20
_FIRST_USER_TYPE = 16384

_KNOWN = """
select exists (
  select from pg_catalog.pg_statistic_ext s
  where s.stxrelid = $1 and s.stxkind && $3::"char"[]
    and (select count(*) from pg_catalog.pg_attribute a
         where a.attrelid = $1 and a.attname = any ($2) and a.attnum = any (s.stxkeys::int2[])) = cardinality($2)) as known
"""


def catalog_of(database: Database, session: PlanningSession, members: Sequence[Planned]) -> Catalog:
    """The tables of the workload."""
    tables = [table for member in members for table in member.query.tables]
    paths = [schema for member in members for schema in session.search_path(member.userid)]
    return Catalog.load(database, list(dict.fromkeys(tables)), list(dict.fromkeys(paths)))


def uses(member: Planned, catalog: Catalog) -> Iterator[TableUse]:
    """What a statement with a plan asks of ordinary tables."""
    if member.plan is None:
        return
    try:
        found = table_uses(member.query.tree, catalog)
    except TooDeep:
        return  # the adviser of indexes says so
    for use in found:
        if use.relation.kind == "r" and not use.relation.inherited and eligible(use.relation):
            yield use


def heaviest(asked: Mapping[Place, Asked]) -> list[tuple[Place, Asked]]:
    """Those whose statements cost most."""

    def weight(item: tuple[Any, Asked]) -> tuple[float, Any]:
        return (-sum(cost.ms_per_hour for cost in item[1][1]), item[0])

    return sorted(asked.items(), key=weight)[:MOST]


def is_built_in(column: Column | None) -> bool:
    """Whether grouping by it runs no code of users."""
    return column is not None and column.plain and column.type_oid < _FIRST_USER_TYPE


def has_statistics(database: Database, relation: Relation, names: Sequence[str], kinds: str) -> bool:
    """Whether extended statistics of one of some kinds (letters of `stxkind`) hold all the columns."""
    found = database.query(_KNOWN, ["oid", "name[]", "text[]"], [relation.oid, list(names), list(kinds)])
    return bool(found[0]["known"])
