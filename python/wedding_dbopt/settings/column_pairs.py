"""Pairs of columns that the workload compares together, and how far the planner's product of their shares is off.

Evidence without running anybody's statement: a sample of the table, read as its owner, tells how often the values really
stand together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from wedding_dbopt.catalog import Catalog, Relation
from wedding_dbopt.database import Database, DatabaseError
from wedding_dbopt.errors import DboptError
from wedding_dbopt.indexes.sample import sample_source
from wedding_dbopt.planning import PlanningSession
from wedding_dbopt.settings.advice import Affected, quoted
from wedding_dbopt.settings.compared_columns import Asked, has_statistics, heaviest, is_built_in, uses
from wedding_dbopt.settings.plans import Planned

SECONDS = 2.0
#: Combinations that a sample has less often may be there by chance.
_OFTEN = 5

_SHARES = """
select coalesce(sum(n), 0)::float8 as rows, coalesce(sum(n) filter (where n >= {often}), 0)::float8 as often,
       coalesce(sum(n * n) filter (where n >= {often}), 0)::float8 as together,
       coalesce(sum(n * first_n * second_n / total) filter (where n >= {often}), 0)::float8 as multiplied
from (select count(*)::float8 as n, sum(count(*)) over (partition by a)::float8 as first_n,
             sum(count(*)) over (partition by b)::float8 as second_n, sum(count(*)) over ()::float8 as total
      from (select {first} as a, {second} as b from {source} chosen) sample
      where a is not null and b is not null group by a, b) pairs
"""


@dataclass(frozen=True)
class Correlation:
    """Two columns: `factor` is the real share of their common combinations over the product, weighted by rows.

    `often` is the share of the sample's rows whose combination occurs at least five times; only these count.
    """

    schema: str
    table: str
    columns: tuple[str, str]
    factor: float
    often: float
    sample_rows: int
    affected: tuple[Affected, ...]


def correlations(
    database: Database, session: PlanningSession, catalog: Catalog, members: Sequence[Planned]
) -> list[Correlation]:
    """What the sample says of the pairs that cost most; tables that cannot be read are left out."""
    asked: dict[tuple[int, tuple[str, str]], Asked] = {}
    for member in members:
        pairs = {(relation.oid, pair): relation for relation, pair in _asked(member, catalog)}
        for key, relation in pairs.items():
            asked.setdefault(key, (relation, []))[1].append(member.statement)
    found = []
    for (_, pair), (relation, affected) in heaviest(asked):
        try:
            measured = _measured(database, session, relation, pair, tuple(affected))
        except (DatabaseError, DboptError):
            continue
        if measured is not None:
            found.append(measured)
    return found


def _asked(member: Planned, catalog: Catalog) -> Iterator[tuple[Relation, tuple[str, str]]]:
    for use in uses(member, catalog):
        for group in use.groups:
            names = {term.column for term in group.equal if term.column is not None}
            plain = sorted(name for name in names if is_built_in(use.relation.columns.get(name)))
            for first, second in combinations(plain, 2):
                yield use.relation, (first, second)


def _measured(
    database: Database,
    session: PlanningSession,
    relation: Relation,
    pair: tuple[str, str],
    affected: tuple[Affected, ...],
) -> Correlation | None:
    if has_statistics(database, relation, pair, "fm"):
        return None
    first, second = map(quoted, pair)
    text = _SHARES.format(
        often=_OFTEN, first=first, second=second, source=sample_source(relation, [first, second])
    )
    with database.time_limit(SECONDS), database.rolled_back():
        row = session.reader(relation.schema, relation.name).query(text.strip())[0]
    if not row["rows"] or not row["multiplied"]:
        return None
    return Correlation(
        relation.schema,
        relation.name,
        pair,
        float(row["together"]) / float(row["multiplied"]),
        float(row["often"]) / float(row["rows"]),
        int(row["rows"]),
        affected,
    )
