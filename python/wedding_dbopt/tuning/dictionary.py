"""The dictionary of statements: each is parsed once, when it is new, and its facts are stored."""

from __future__ import annotations

from wedding_dbopt.classify import classify
from wedding_dbopt.database import Database, Row
from wedding_dbopt.errors import DboptError, QueryRequired, UnsupportedStatement
from wedding_dbopt.query import Query, Table
from wedding_dbopt.role_functions import schemas
from wedding_dbopt.tuning.constants import needs_constants, with_constants

BATCH = 2000

_NEW = f"""
select s.id, t.query, s.userid
from _wedding_dbopt.statement s left join _wedding_dbopt.statement_text t on t.statement_id = s.id
where s.classified_at is null and s.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
order by s.id limit {BATCH}
"""
_STORE = """
update _wedding_dbopt.statement
set kind = $2, tables = $3, context = $4, contexts = $5, criticality = $6, confidence = $7, parse_error = $8,
    needs_constants = $9, classified_at = clock_timestamp()
where id = $1
"""
_STORE_TYPES = ["integer", "text", "text[]", "text", "text[]", "text", "real", "text", "boolean"]
_SEEN = """
select s.id, t.query, a.query as seen
from _wedding_dbopt.statement s
join _wedding_dbopt.statement_text t on t.statement_id = s.id
join pg_catalog.pg_stat_activity a on a.query_id = s.queryid and a.datid = s.dbid
where s.needs_constants
"""
_STORE_SEEN = """
with seen as (update _wedding_dbopt.statement_text set observed_query = $2 where statement_id = $1)
update _wedding_dbopt.statement set needs_constants = false where id = $1
"""
_RESOLVE = """
select format('%I.%I', n.nspname, c.relname) as full
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join unnest($2) with ordinality as path (schema, place) on path.schema = n.nspname
where c.relname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by path.place limit 1
"""
_PATH = "select _wedding_dbopt.role_search_path($1) as path, pg_catalog.pg_get_userbyid($1) as role"


def rules(database: Database) -> list[Row]:
    """The rules by which the words of table names give context and criticality."""
    return database.query(
        "select word, context, criticality, weight from _wedding_dbopt.context_rule where enabled"
    )


def classify_new(database: Database) -> int:
    """Classify up to 2000 new statements of this database; what does not parse is recorded with its reason. Returns how many.

    Also looks whether a session shows the full text of a statement whose constants are still needed.
    """
    context_rules = rules(database)
    rows = database.query(_NEW)
    names = _Names(database)
    for row in rows:
        database.query(_STORE, _STORE_TYPES, [row["id"], *_facts(row, context_rules, names)])
    _observe(database)
    return len(rows)


def _observe(database: Database) -> None:
    for row in database.query(_SEEN):
        try:
            observed = with_constants(row["query"], row["seen"])
        except DboptError:
            continue  # cut off at track_activity_query_size
        if observed is not None:
            database.query(_STORE_SEEN, ["integer", "text"], [row["id"], observed])


class _Names:
    """Full names of tables, by the search_path of the role that uses them; looked up once each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._paths: dict[int, tuple[str, ...]] = {}
        self._known: dict[tuple[str, tuple[str, ...]], str | None] = {}

    def full(self, table: Table, userid: int) -> str | None:
        """`schema.table`, both quoted as needed; None for what is no table of this database."""
        if userid not in self._paths:
            row = self._database.query(_PATH, ["oid"], [userid])[0]
            self._paths[userid] = tuple(schemas(str(row["path"]), str(row["role"])))
        path = (table.schema,) if table.schema else self._paths[userid]
        if (table.name, path) not in self._known:
            found = self._database.query(_RESOLVE, ["name", "text[]"], [table.name, list(path)])
            self._known[table.name, path] = str(found[0]["full"]) if found else None
        return self._known[table.name, path]


def _facts(row: Row, context_rules: list[Row], names: _Names) -> list[object]:
    """kind, tables, context, contexts, criticality, confidence, parse error, need of constants of one statement."""
    try:
        query = Query.parse(row["query"] or "")
    except (UnsupportedStatement, QueryRequired):
        return ["utility", [], "other", [], "low", 1.0, None, False]
    except DboptError as error:
        return [None, [], "other", [], "low", 0.0, str(error), False]
    found = classify(query, context_rules)
    tables = [full for full in (names.full(table, row["userid"]) for table in query.tables) if full]
    needs = needs_constants(query.text)
    return [
        query.kind,
        tables,
        found.context,
        list(found.contexts),
        found.criticality,
        found.confidence,
        None,
        needs,
    ]
