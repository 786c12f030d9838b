"""How many different values a column has, counted in whole stretches of its table beside what ANALYZE believes.

ANALYZE samples rows far apart. Where equal values lie together it meets each value several times in a page and takes them for
few: of ten million rows, ten for each value, it may count ten thousand values instead of a million. Neighbouring
pages tell better. Sixteen stretches are read, eight megabytes in all whatever the table's size, and counted apart and
together: values that lie together are different in each stretch, so their number grows with the pages; of values that are
spread some are met in two stretches, and how many are tells how many there are (A. Chao and C.-W. Lin, Nonparametric lower
bounds for species richness under sampling without replacement, Biometrics 2012, with stretches as the samples).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wedding_dbopt.catalog import Catalog, Relation
from wedding_dbopt.database import Database, DatabaseError
from wedding_dbopt.errors import DboptError
from wedding_dbopt.indexes.predicates import TableUse
from wedding_dbopt.indexes.statistics import distinct_values, row_count
from wedding_dbopt.indexes.terms import qualified
from wedding_dbopt.planning import PlanningSession
from wedding_dbopt.settings.advice import Affected, quoted
from wedding_dbopt.settings.compared_columns import Asked, heaviest, is_built_in, uses
from wedding_dbopt.settings.plans import Planned

SECONDS = 2.0
STRETCHES = 16
STRETCH_PAGES = 64
#: So many columns are counted at most in a run, those first whose statements cost most.
MOST_COLUMNS = 10
#: What could not be ten times too low needs no counting; twice, where groups spill.
_LEAST_ROWS_PER_VALUE = 10
_LEAST_ROWS_PER_SPILLED_VALUE = 2
_LEAST_ROWS = 10_000
_COUNT = """
select count(*)::float8 as together, (count(*) filter (where n = 1))::float8 as once,
       (count(*) filter (where n = 2))::float8 as twice
from (select v, count(distinct stretch) as n from ({stretches}) s where v is not null group by v) g
"""
_STRETCH = "select {number} as stretch, {column} as v from {table} where ctid >= '({first},0)' and ctid < '({last},0)'"
_SET = """
select exists (select from pg_catalog.pg_attribute a, unnest(a.attoptions) o
               where a.attrelid = $1 and a.attname = $2 and o like 'n_distinct=%') as given
"""


@dataclass(frozen=True)
class Counted:
    """A column: `known` different values by its statistics, `counted` by whole stretches, of `rows` rows.

    `growth` tells how their number grows with the pages: 1 where equal values lie together, 0 where all values are everywhere.
    `spills` is set where a statement groups by the column in a hash table and writes temporary files.
    """

    schema: str
    table: str
    column: str
    known: float
    counted: float
    rows: float
    growth: float
    affected: tuple[Affected, ...]
    spills: bool = False


def counted_values(
    database: Database,
    session: PlanningSession,
    catalog: Catalog,
    members: Sequence[Planned],
    spilling: Collection[int] = (),
) -> list[Counted]:
    """The columns that the workload compares, joins or groups by and that may have more values than their statistics say.

    `spilling` are the ids of the statements that write temporary files, now and with the indexes that are advised.
    """
    asked: dict[tuple[int, str], Asked] = {}
    spilled: set[tuple[int, str]] = set()
    for member in members:
        for use in uses(member, catalog):
            terms = {term for group in use.groups for term in group.equal + group.joined} | set(use.grouped)
            for name in sorted({term.column for term in terms if term.column is not None}):
                place = (use.relation.oid, name)
                spills = member.statement.statement_id in spilling and _hashed(member, use, name)
                if spills:
                    spilled.add(place)
                if _doubtful(use.relation, name, spills):
                    asked.setdefault(place, (use.relation, []))[1].append(member.statement)
    found = []
    for (oid, name), (relation, affected) in heaviest(asked)[:MOST_COLUMNS]:
        if database.query(_SET, ["oid", "name"], [relation.oid, name])[0]["given"]:
            continue  # somebody knows better
        try:
            counts = _counts(database, session, relation, name)
        except (DatabaseError, DboptError):
            continue
        counted, growth = extrapolated(*counts, row_count(relation))
        known = distinct_values(relation, name)
        who, spills = tuple(dict.fromkeys(affected)), (oid, name) in spilled
        rows = row_count(relation)
        found.append(Counted(relation.schema, relation.name, name, known, counted, rows, growth, who, spills))
    return found


def extrapolated(
    together: float, once: float, twice: float, stretches: int, share: float, rows: float
) -> tuple[float, float]:
    """Values of the whole table and their growth, from those in all stretches, in one and in two; `share` was read."""
    if share >= 1 or together < 1:
        return together, 0.0
    unseen = once**2 / (2 * twice * stretches / (stretches - 1) + once * share / (1 - share)) if once else 0.0
    growth = (together + unseen) * share / together
    # The runs at both ends of a stretch are cut: it shows one value more than it holds.
    each = together / stretches
    whole = ((each - 1) / each) ** growth if each > 1 else 1.0
    return min(max((together + unseen) * whole, together), rows), growth


def _hashed(member: Planned, use: TableUse, name: str) -> bool:
    """Whether the statement groups by the column of this table in a hash table."""
    if member.plan is None or all(term.column != name for term in use.grouped):
        return False
    return any(
        node.hashes_groups and any(key.split(".")[-1].strip('"') == name for key in node.group_key)
        for node in member.plan.walk()
    )


def _doubtful(relation: Relation, name: str, spills: bool) -> bool:
    column, rows = relation.columns.get(name), row_count(relation)
    if column is None or column.n_distinct is None or not is_built_in(column) or rows < _LEAST_ROWS:
        return False
    least = _LEAST_ROWS_PER_SPILLED_VALUE if spills else _LEAST_ROWS_PER_VALUE
    return distinct_values(relation, name) * least < rows


def _counts(
    database: Database, session: PlanningSession, relation: Relation, name: str
) -> tuple[float, float, float, int, float]:
    """Values in all stretches, in one of them, in two, the number of stretches, the share of the pages that was read."""
    pages = relation.pages
    few = pages <= STRETCHES * STRETCH_PAGES
    starts = [0] if few else [number * pages // STRETCHES for number in range(STRETCHES)]
    length = pages + STRETCH_PAGES if few else STRETCH_PAGES
    parts = [
        _STRETCH.format(
            number=number,
            column=quoted(name),
            table=qualified(relation.schema, relation.name),
            first=start,
            last=start + length,
        )
        for number, start in enumerate(starts)
    ]
    with database.time_limit(SECONDS), database.rolled_back():
        reader = session.reader(relation.schema, relation.name)
        row = reader.query(_COUNT.format(stretches=" union all ".join(parts)).strip())[0]
    share = 1.0 if few else STRETCHES * STRETCH_PAGES / pages
    return float(row["together"]), float(row["once"]), float(row["twice"]), len(starts), share
