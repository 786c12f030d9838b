"""How old the earliest dates are that statements ask for: the clock's distance is kept, never the constant.

pg_stat_statements puts a parameter in the place of each constant, so the collected text does not tell whether an application
asks for the last thirty days or for all days since its founding. A session that runs the statement shows its full text in
pg_stat_activity. From it only the age in days of the lower bounds of columns is taken, the greatest of each day. A bound that
the application sends as a parameter of its own is not shown there, and stays unknown.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from sqlglot import exp

from wedding_dbopt.database import Database
from wedding_dbopt.errors import DboptError, stack_bound
from wedding_dbopt.indexes.dated import Sighting, Window, moment_of, moving
from wedding_dbopt.indexes.resolve import name_of
from wedding_dbopt.indexes.terms import bare
from wedding_dbopt.indexes.workload import WorkloadStatement
from wedding_dbopt.query import Query, tokens

_SEEN = """
select s.id, _wedding_dbopt.statement_query(s.id) as query, s.lower_bounds as bounds, a.query as seen,
       extract(epoch from clock_timestamp())::float8 as at
from _wedding_dbopt.bounds_to_see() b
join _wedding_dbopt.statement s on s.id = b.statement_id
join pg_catalog.pg_stat_activity a on a.pid = b.pid and a.query_id = s.queryid
order by s.id, a.pid
"""
_STORE = """
insert into _wedding_dbopt.bound_age as b (statement_id, parameter, day, seen, most_days, seen_at)
select f.id, f.parameter, ($2::timestamptz at time zone 'UTC')::date, 1, f.days, $2::timestamptz
from jsonb_to_recordset($1) as f (id integer, parameter smallint, days float8)
on conflict (day, statement_id, parameter) do update
set seen = b.seen + 1, most_days = greatest(b.most_days, excluded.most_days), seen_at = excluded.seen_at
"""
_NO_DATES = """
update _wedding_dbopt.statement s
set lower_bounds = nullif(array(select p from unnest(s.lower_bounds) p where p <> all ($2)), '{}')
where s.id = $1
"""
_KNOWN = """
select b.statement_id as id, b.parameter, b.day::text as day, b.most_days, b.seen
from _wedding_dbopt.bound_age b
where b.most_days is not null and b.statement_id = any ($1) and b.day <= ($2::timestamptz at time zone 'UTC')::date
order by b.statement_id, b.parameter, b.day
"""
_ASCENDING = (exp.GT, exp.GTE)
_DESCENDING = (exp.LT, exp.LTE)


@stack_bound
def lower_bounds(query: Query) -> dict[int, str]:
    """The parameters that a column must not lie below, each with the column's name. Raises TooDeep."""
    found: dict[int, str] = {}
    for node in query.tree.find_all(*_ASCENDING, *_DESCENDING, exp.Between):
        column, least = node.this, node.args.get("low") or node.args.get("expression")
        if isinstance(node, _DESCENDING):
            column, least = least, column
        while isinstance(least, (exp.Paren, exp.Cast)):
            least = least.this
        column = bare(column) if column is not None else None
        if isinstance(column, exp.Column) and isinstance(least, exp.Parameter) and least.name.isdigit():
            found.setdefault(int(least.name), name_of(column.this))
    return found


def ages(normalised: str, full: str, wanted: Sequence[int], at: datetime) -> dict[int, float | None]:
    """How many days before `at` the constants of these parameters lie in a full text; None for one that is no date.

    Empty when the texts are not the same statement, token by token; a parameter of the client's own is left out.
    """
    ours, theirs = list(tokens(normalised)), list(tokens(full.rstrip().rstrip(";")))
    if len(ours) != len(theirs):
        return {}
    found: dict[int, float | None] = {}
    for our, their in zip(ours, theirs):
        word, other = normalised[our.start : our.end], full[their.start : their.end]
        if our.kind != "parameter":
            if word.lower() != other.lower():
                return {}
        elif int(word[1:]) in wanted and their.kind != "parameter":
            moment = moment_of(other[1:-1]) if their.kind == "string" and other[:1] == "'" else None
            found[int(word[1:])] = None if moment is None else (at - moment) / timedelta(days=1)
    return found


def observe(database: Database) -> None:
    """Look at the full texts that sessions show, and note the ages of the dates in them."""
    found: dict[tuple[int, int], float | None] = {}
    at = datetime.now(timezone.utc)
    for row in database.query(_SEEN):
        at = datetime.fromtimestamp(row["at"], timezone.utc)
        try:
            seen = ages(row["query"], row["seen"], list(row["bounds"] or ()), at)
        except DboptError:
            seen = {}  # cut off at track_activity_query_size
        if not seen:  # remembered too, so that it is not looked at again and again
            found[row["id"], 0] = None
        numbers = [number for number, age in seen.items() if age is None]
        if numbers:
            database.query(_NO_DATES, ["integer", "smallint[]"], [row["id"], numbers])
        for number, age in seen.items():
            if age is not None:
                found[row["id"], number] = max(age, found.get((row["id"], number)) or age)
    if found:
        rows = [
            {"id": key, "parameter": number, "days": None if age is None else round(age, 2)}
            for (key, number), age in found.items()
        ]
        database.query(_STORE, ["jsonb", "timestamptz"], [json.dumps(rows), at.isoformat()])


def windows(
    database: Database, ids: Sequence[int], at: datetime, least_days: float
) -> dict[int, dict[int, Window]]:
    """By statement and parameter the dates that followed the clock up to a moment, for so many days at least."""
    seen: dict[tuple[int, int], list[Sighting]] = defaultdict(list)
    for row in database.query(_KNOWN, ["integer[]", "timestamptz"], [list(ids), at.isoformat()]):
        day = datetime.fromisoformat(row["day"]).replace(tzinfo=timezone.utc)
        seen[row["id"], row["parameter"]].append(Sighting(day, float(row["most_days"]), int(row["seen"])))
    found: dict[int, dict[int, Window]] = defaultdict(dict)
    for (key, number), sightings in seen.items():
        window = moving(sightings, least_days)
        if window is not None:
            found[key][number] = window
    return found


def with_window(statement: WorkloadStatement, known: Mapping[int, Window], at: datetime) -> WorkloadStatement:
    """A statement with the earliest dates that were seen in the place of their parameters, and how they moved."""
    try:
        columns = lower_bounds(statement.query)
        held = {number: window for number, window in known.items() if number in columns}
        if not held:
            return statement
        constants = {
            number: f"'{(at - timedelta(days=window.days)).date().isoformat()}'"
            for number, window in held.items()
        }
        query = Query.parse(_with_constants(statement.query.text, constants))
    except DboptError:
        return statement
    moved = {columns[number]: window for number, window in held.items()}
    return replace(statement, query=query, windows=moved)


def _with_constants(text: str, constants: Mapping[int, str]) -> str:
    """The text with constants for some parameters, the others numbered anew."""
    numbers: dict[int, int] = {}
    pieces: list[str] = []
    end = 0
    for token in tokens(text):
        if token.kind == "parameter":
            number = int(text[token.start + 1 : token.end])
            value = constants.get(number) or f"${numbers.setdefault(number, len(numbers) + 1)}"
            pieces += [text[end : token.start], value]
            end = token.end
    return "".join([*pieces, text[end:]])
