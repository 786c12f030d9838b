"""The dictionary of statements: each is parsed when it is new or when the rules change, and its facts are stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wedding_dbopt.classify import OTHER, Behind, Rules, classify
from wedding_dbopt.database import Database, Row
from wedding_dbopt.errors import DboptError, QueryRequired, UnsupportedStatement
from wedding_dbopt.query import Query, Table
from wedding_dbopt.role_functions import schemas
from wedding_dbopt.touched import Touched, tags, touched, touched_by_body, touched_by_text
from wedding_dbopt.tuning.bound_ages import lower_bounds, observe
from wedding_dbopt.tuning.constants import needs_constants, with_constants

BATCH = 2000

_NEW = f"""
select s.id, _wedding_dbopt.statement_query(s.id) as query, s.userid, s.queryid, s.own, s.context, s.tags
from _wedding_dbopt.statement s
where s.classified_at is null and s.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
order by s.id limit {BATCH}
"""
_COLUMNS = {
    "kind": "text",
    "tables": "text[]",
    "context": "text",
    "contexts": "text[]",
    "criticality": "text",
    "confidence": "real",
    "parse_error": "text",
    "needs_constants": "boolean",
    "own": "boolean",
    "indirect": "boolean",
    "tags": "text[]",
    "lower_bounds": "smallint[]",
}
_STORE = f"""
update _wedding_dbopt.statement s
set {", ".join(f"{name} = f.{name}" for name in _COLUMNS)}, classified_at = clock_timestamp()
from jsonb_to_recordset($1) as f (id integer, {", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
where s.id = f.id
"""
_CHANGED = """
update _wedding_dbopt.classification_basis
set changed_since = least(changed_since, (select min(s.first_seen) from _wedding_dbopt.statement s where s.id = any ($1)))
"""
_SEEN = """
select s.id, _wedding_dbopt.statement_query(s.id) as query, a.query as seen
from _wedding_dbopt.statement s
join pg_catalog.pg_stat_activity a on a.query_id = s.queryid and a.datid = s.dbid
where s.needs_constants
"""
_STORE_SEEN = """
with seen as (
  insert into _wedding_dbopt.observed_text (statement_id, query) values ($1, $2)
  on conflict (statement_id) do update set query = excluded.query)
update _wedding_dbopt.statement set needs_constants = false where id = $1
"""
_RELATION = """
select n.nspname::text as schema, format('%I.%I', n.nspname, c.relname) as full,
       case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end as definition,
       array(select distinct pg_catalog.jsonb_build_array(m.nspname, b.relname)::text
             from pg_catalog.pg_rewrite r
             join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
              and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> c.oid
             join pg_catalog.pg_class b on b.oid = d.refobjid and b.relkind in ('r', 'p', 'v', 'm', 'f')
             join pg_catalog.pg_namespace m on m.oid = b.relnamespace
             where r.ev_class = c.oid and c.relkind in ('v', 'm')) as behind
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join unnest($2) with ordinality as path (schema, place) on path.schema = n.nspname
where c.relname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by path.place limit 1
"""
_FUNCTION = """
select n.nspname::text as schema, bool_or(e.extname is not null) as extension,
       array_agg(coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc))
         filter (where l.lanname in ('sql', 'plpgsql')) as bodies
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
join unnest($2) with ordinality as path (schema, place) on path.schema = n.nspname
left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
left join pg_catalog.pg_extension e on d.refclassid = 'pg_catalog.pg_extension'::regclass and e.oid = d.refobjid
where p.proname = $1
group by n.nspname, path.place
order by path.place limit 1
"""
_PATH = "select _wedding_dbopt.role_search_path($1) as path, pg_catalog.pg_get_userbyid($1) as role"
_OURS = "wedding_dbopt"


def rules(database: Database) -> Rules:
    """The rules by which names give context and criticality."""
    return Rules(
        database.query(
            "select part, pattern, context, criticality, weight from _wedding_dbopt.context_rule where enabled"
        )
    )


def classify_new(database: Database) -> int:
    """Classify up to 2000 statements of this database that are new or to be classified anew; returns how many.

    What does not parse is recorded with its reason. Also looks whether a session shows the full text of a statement
    whose constants are still needed, or whose earliest date was not looked at lately.
    """
    database.query("select _wedding_dbopt.forget_contexts()")
    rows = database.query(_NEW)
    if rows:
        _classify_rows(database, rows)
    _observe(database)
    observe(database)
    return len(rows)


def _classify_rows(database: Database, rows: Sequence[Row]) -> None:
    context_rules = rules(database)
    names = Names(database)
    comments = {
        row["id"]: row["query"]
        for row in database.query("select id, query from _wedding_dbopt.commented_texts()")
    }
    facts: list[dict[str, Any]] = []
    for row in rows:
        seen = _tag_rules(context_rules, comments[row["id"]]) if row["id"] in comments else row["tags"]
        facts.append(_facts(row, context_rules, names.of_role(row["userid"]), seen or ()))
    database.query(_STORE, ["jsonb"], [json.dumps(facts)])
    changed = [  # those that the sums by context count elsewhere
        row["id"]
        for row, fact in zip(rows, facts)
        if (row["context"] or OTHER, row["own"]) != (fact["context"], fact["own"])
    ]
    if changed:
        database.query(_CHANGED, ["integer[]"], [changed])


def _tag_rules(context_rules: Rules, text: str) -> tuple[str, ...]:
    try:
        return context_rules.of_tags(tags(text))
    except DboptError:
        return ()


def _observe(database: Database) -> None:
    for row in database.query(_SEEN):
        try:
            observed = with_constants(row["query"], row["seen"])
        except DboptError:
            continue  # cut off at track_activity_query_size
        if observed is not None:
            database.query(_STORE_SEEN, ["integer", "text"], [row["id"], observed])


@dataclass(frozen=True)
class _Relation(Behind):
    full: str = ""


class Names:
    """What the catalogue says of names of tables and functions; each is looked up once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._roles: dict[int, RoleNames] = {}
        self._relations: dict[tuple[str, tuple[str, ...]], _Relation | None] = {}
        self._functions: dict[tuple[str, tuple[str, ...]], Behind | None] = {}

    def of_role(self, userid: int) -> RoleNames:
        """Names as a role means them, by its search_path."""
        if userid not in self._roles:
            row = self._database.query(_PATH, ["oid"], [userid])[0]
            self._roles[userid] = self.on_path(schemas(str(row["path"]), str(row["role"])))
        return self._roles[userid]

    def of_caller(self) -> RoleNames:
        """Names as the current role means them."""
        oid = "select r.oid::bigint as oid from pg_catalog.pg_roles r where r.rolname = current_user"
        return self.of_role(int(self._database.query(oid)[0]["oid"]))

    def on_path(self, path: Sequence[str]) -> RoleNames:
        """Names as a session with this search_path means them."""
        return RoleNames(self, tuple(path))

    def relation(self, name: str, path: tuple[str, ...]) -> _Relation | None:
        if (name, path) not in self._relations:
            found = self._database.query(_RELATION, ["name", "text[]"], [name, list(path)])
            self._relations[name, path] = _relation(found[0]) if found else None
        return self._relations[name, path]

    def function(self, name: str, path: tuple[str, ...]) -> Behind | None:
        if (name, path) not in self._functions:
            found = self._database.query(_FUNCTION, ["name", "text[]"], [name, list(path)])
            self._functions[name, path] = _function(found[0]) if found else None
        return self._functions[name, path]


class RoleNames:
    """The catalogue of one search_path, as `classify` asks for it."""

    def __init__(self, names: Names, path: tuple[str, ...]) -> None:
        self._names = names
        self._path = path

    def relation(self, table: Table) -> _Relation | None:
        return self._names.relation(table.name, (table.schema,) if table.schema else self._path)

    def function(self, schema: str | None, name: str) -> Behind | None:
        return self._names.function(name, (schema,) if schema else ("pg_catalog", *self._path))

    def tables(self, what: Touched) -> list[str]:
        """`schema.table`, both quoted as needed, of the tables that are touched, also through views."""
        found: dict[str, None] = {}
        waiting = [table for table, _ in what.tables]
        while waiting:
            relation = self.relation(waiting.pop(0))
            if relation is not None and relation.full not in found:
                found[relation.full] = None
                waiting += [table for table, _ in relation.touched.tables]
        return list(found)

    def indirect(self, what: Touched) -> bool:
        """Whether what is touched depends on the definition of a view or a function."""
        behind: list[Behind | None] = [self.relation(table) for table, _ in what.tables]
        behind += [self.function(schema, name) for schema, name in what.functions]
        return any(found is not None and found.touched != Touched() for found in behind)


def _relation(row: Row) -> _Relation:
    inside = Touched()
    if row["definition"] is not None:
        try:
            inside = touched(Query.parse(row["definition"]))
        except DboptError:  # then at least which tables are in it is known
            parts = [json.loads(part) for part in row["behind"]]
            inside = Touched(tuple((Table(schema, name, name), "joined") for schema, name in parts))
    return _Relation(row["schema"], inside, full=row["full"])


def _function(row: Row) -> Behind | None:
    if row["schema"] == _OURS or row["schema"] == f"_{_OURS}":
        return Behind(row["schema"])
    if row["schema"] == "pg_catalog" or row["extension"]:
        return None
    bodies: list[Touched] = []
    for body in row["bodies"] or ():
        try:
            bodies.append(touched_by_body(body))
        except DboptError:
            continue  # a text that is no SQL says nothing
    return Behind(row["schema"], Touched.of_all(bodies))


def _facts(row: Row, context_rules: Rules, names: RoleNames, seen: Sequence[str]) -> dict[str, Any]:
    """The columns of one statement."""
    text = row["query"] or ""
    kind: str | None = None
    error: str | None = None
    needs = own = False
    bounds: list[int] = []
    try:
        query = Query.parse(text)
        what, kind, needs = touched(query), query.kind, needs_constants(query.text)
        bounds = [] if needs else sorted(lower_bounds(query))
    except QueryRequired:
        what, kind, own = Touched(), "utility", row["own"]
    except UnsupportedStatement:
        what, kind, own = _of_utility(text), "utility", row["own"]
    except DboptError as failure:
        what, error, own = _guessed(text), str(failure), row["own"]
    found = classify(what, context_rules, names, seen, row["queryid"])
    return {
        "id": row["id"],
        "kind": kind,
        "tables": names.tables(what),
        "context": found.context,
        "contexts": list(found.contexts) if len(found.contexts) > 1 else None,
        "criticality": found.criticality,
        "confidence": found.confidence if error is None else round(found.confidence / 2, 3),
        "parse_error": error,
        "needs_constants": needs,
        "own": own or found.own,
        "indirect": names.indirect(what),
        "tags": list(seen) or None,
        "lower_bounds": bounds or None,
    }


def _of_utility(text: str) -> Touched:
    try:
        return touched_by_text(text)
    except DboptError:
        return Touched()


def _guessed(text: str) -> Touched:
    try:
        return touched_by_body(text)
    except DboptError:
        return Touched()
