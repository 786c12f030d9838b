"""What statistics and a sample say of the columns that the workload compares and groups by.

A value beyond the list of frequent values counts as an average one of the rest, whatever its share. And groups of several
columns are counted as if every value of one met every value of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from wedding_dbopt.catalog import Catalog, Relation
from wedding_dbopt.database import Database, DatabaseError
from wedding_dbopt.errors import DboptError
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.sample import measured_keys
from wedding_dbopt.indexes.statistics import distinct_values, row_count
from wedding_dbopt.indexes.terms import column_term
from wedding_dbopt.planning import PlanningSession
from wedding_dbopt.settings.advice import Affected
from wedding_dbopt.settings.compared_columns import Asked, has_statistics, heaviest, is_built_in, uses
from wedding_dbopt.settings.plans import Planned

SECONDS = 2.0
# estimate_num_groups of the server: several columns make at most a tenth of the rows, but no fewer than one of them.
_CLAMP = 0.1

_TARGETS = """
select a.attname::text as name, case when coalesce(a.attstattarget, -1) < 0
         then current_setting('default_statistics_target')::integer else a.attstattarget end as target
from pg_catalog.pg_attribute a where a.attrelid = $1 and a.attname = any ($2)
"""


@dataclass(frozen=True)
class Uneven:
    """A column compared by equality whose list of frequent values is full.

    `factor` is the share of the last value on the list over that of an average value beyond it; `rest` is the share of the
    rows beyond it.
    """

    schema: str
    table: str
    column: str
    target: int
    factor: float
    rest: float
    affected: tuple[Affected, ...]


@dataclass(frozen=True)
class Grouping:
    """Columns grouped by together: the groups that the planner expects of the whole table, and those in it by a sample."""

    schema: str
    table: str
    columns: tuple[str, ...]
    expected: float
    groups: float
    affected: tuple[Affected, ...]


def column_figures(
    database: Database, session: PlanningSession, catalog: Catalog, members: Sequence[Planned]
) -> tuple[list[Uneven], list[Grouping]]:
    """The columns and groupings that cost most; those whose statistics nobody may read are left out."""
    compared: dict[tuple[int, str], Asked] = {}
    grouped: dict[tuple[int, tuple[str, ...]], Asked] = {}
    for member in members:
        for use in uses(member, catalog):
            relation = use.relation
            for name in sorted({t.column for g in use.groups for t in g.equal if t.column is not None}):
                compared.setdefault((relation.oid, name), (relation, []))[1].append(member.statement)
            names = tuple(sorted({term.column for term in use.grouped if term.column is not None}))
            if len(names) > 1 and all(is_built_in(relation.columns.get(name)) for name in names):
                grouped.setdefault((relation.oid, names), (relation, []))[1].append(member.statement)
    uneven = [
        _uneven(database, relation, name, tuple(dict.fromkeys(affected)))
        for (_, name), (relation, affected) in heaviest(compared)
    ]
    groupings = [
        _grouping(database, session, relation, names, tuple(dict.fromkeys(affected)))
        for (_, names), (relation, affected) in heaviest(grouped)
    ]
    return [item for item in uneven if item is not None], [item for item in groupings if item is not None]


def _uneven(
    database: Database, relation: Relation, name: str, affected: tuple[Affected, ...]
) -> Uneven | None:
    column = relation.columns.get(name)
    if column is None or not column.most_common_freqs:
        return None
    row = database.query(_TARGETS, ["oid", "name[]"], [relation.oid, [name]])[0]
    listed = column.most_common_freqs
    others = distinct_values(relation, name) - len(listed)
    rest = 1.0 - sum(listed) - (column.null_frac or 0.0)
    if len(listed) < row["target"] or others < 1 or rest <= 0:
        return None
    return Uneven(*relation.place, name, int(row["target"]), min(listed) * others / rest, rest, affected)


def _grouping(
    database: Database,
    session: PlanningSession,
    relation: Relation,
    names: tuple[str, ...],
    affected: tuple[Affected, ...],
) -> Grouping | None:
    if has_statistics(database, relation, names, "d"):
        return None
    single = [distinct_values(relation, name) for name in names]
    expected = min(prod(single), max(_CLAMP * row_count(relation), *single))
    index = IndexDef(relation.schema, relation.name, tuple(Key(column_term(name)) for name in names))
    try:
        with database.time_limit(SECONDS):
            reader = session.reader(relation.schema, relation.name)
            facts = measured_keys(database, reader, relation, index)
    except (DatabaseError, DboptError):
        return None
    if facts is None:
        return None
    return Grouping(relation.schema, relation.name, names, expected, max(facts.distinct, *single), affected)
