"""The one place where foreign SQL is planned, always as the role that issued it.

Planning runs code: immutable functions are folded, stable ones estimate selectivity, domain checks run while literals
are read. Whoever wrote a statement, or a function, operator, view, policy or domain it uses, must not get more rights
than he has. So every statement is parsed and planned inside a SECURITY DEFINER function that belongs to its own role
(there RESET ROLE, SET ROLE and SET SESSION AUTHORIZATION are refused), in a read-only subtransaction that is always
rolled back (so a deferred trigger, a cursor WITH HOLD or a temporary object planted there never comes to life).

Statements of superusers and of roles that are gone are planned as `wedding_dbopt_planner`, which has no rights, and
only after the server's own dependency records have shown that they use no function of an untrusted owner. Only then,
still inside the subtransaction, is the role allowed to read and write tables, which EXPLAIN asks for.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from wedding_dbopt.database import Database, DatabaseError, Row
from wedding_dbopt.errors import MissingExtension, UnplannableQuery, UnsafeQuery
from wedding_dbopt.query import Query

PLANNER_ROLE = "wedding_dbopt_planner"
GENERIC_PLAN_OPTION_SINCE = 160000
QUERY_CANCELED = "57014"
INDETERMINATE_DATATYPE = "42P18"
_PATH_ENTRY = re.compile(r'"((?:[^"]|"")+)"|([^\s,"]+)')
_UNTYPED = re.compile(r"parameter \$(\d+)")

_ROLE = """
select r.oid, r.rolname, r.rolsuper, quote_ident(r.rolname) as quoted, _wedding_dbopt.role_search_path(r.oid) as search_path
from pg_catalog.pg_roles r where r.oid = $1 or r.rolname = $2
"""

# Everything a statement's planning can reach: what it depends on, what these depend on, and what hangs on the tables
# (view rules, policies, defaults, checks, index expressions, inheritance children). Built-in objects are not recorded.
_UNTRUSTED = """
with recursive reached (classid, objid) as (
  select 'pg_catalog.pg_proc'::regclass::oid, $1::oid
  union
  select n.classid, n.objid
  from reached r cross join lateral (
    select d.refclassid, d.refobjid from pg_catalog.pg_depend d
    where d.classid = r.classid and d.objid = r.objid and d.deptype in ('n', 'a', 'i')
      and d.refclassid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass,
                           'pg_catalog.pg_class'::regclass, 'pg_catalog.pg_type'::regclass)
    union all
    select d.classid, d.objid from pg_catalog.pg_depend d
    where r.classid in ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_type'::regclass)
      and d.refclassid = r.classid and d.refobjid = r.objid
      and (d.classid in ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_policy'::regclass,
                         'pg_catalog.pg_attrdef'::regclass, 'pg_catalog.pg_constraint'::regclass,
                         'pg_catalog.pg_statistic_ext'::regclass)
           or d.classid = 'pg_catalog.pg_class'::regclass
              and exists (select from pg_catalog.pg_index i where i.indexrelid = d.objid))
    union all
    select 'pg_catalog.pg_class'::regclass, i.inhrelid from pg_catalog.pg_inherits i
    where r.classid = 'pg_catalog.pg_class'::regclass and i.inhparent = r.objid
    union all
    select 'pg_catalog.pg_type'::regclass, coalesce(nullif(t.typbasetype, 0), nullif(t.typelem, 0))
    from pg_catalog.pg_type t
    where r.classid = 'pg_catalog.pg_type'::regclass and t.oid = r.objid and (t.typbasetype <> 0 or t.typelem <> 0)
    union all
    select 'pg_catalog.pg_class'::regclass, t.typrelid from pg_catalog.pg_type t
    where r.classid = 'pg_catalog.pg_type'::regclass and t.oid = r.objid and t.typrelid <> 0
    union all
    select 'pg_catalog.pg_type'::regclass, a.atttypid from pg_catalog.pg_attribute a
    where r.classid = 'pg_catalog.pg_class'::regclass and a.attrelid = r.objid and a.attnum > 0
    union all
    select 'pg_catalog.pg_proc'::regclass, f.oid
    from pg_catalog.pg_operator o
    cross join lateral unnest(array[o.oprcode::oid, o.oprrest::oid, o.oprjoin::oid]) as f(oid)
    where r.classid = 'pg_catalog.pg_operator'::regclass and o.oid = r.objid and f.oid <> 0
  ) as n (classid, objid)
)
select p.oid::regprocedure::text as function, pg_catalog.pg_get_userbyid(p.proowner) as owner
from reached r
join pg_catalog.pg_proc p on r.classid = 'pg_catalog.pg_proc'::regclass and p.oid = r.objid and p.oid <> $1
where not (select o.rolsuper from pg_catalog.pg_roles o where o.oid = p.proowner)
order by 1 limit 1
"""


# A new index, view rule, policy, default, check or statistics object gets a new oid.
_NEWEST_OBJECTS = (
    "select array["
    + ", ".join(
        f"(select max(oid) from pg_catalog.{catalogue})"
        for catalogue in (
            "pg_class",
            "pg_proc",
            "pg_type",
            "pg_operator",
            "pg_rewrite",
            "pg_policy",
            "pg_attrdef",
            "pg_constraint",
            "pg_statistic_ext",
        )
    )
    + "]::text as oids"
)


def schemas(search_path: str, role: str) -> list[str]:
    """The schemas that a search_path names for a role, quotes taken off and "$user" filled in."""
    names = [
        quoted.replace('""', '"') if quoted else plain for quoted, plain in _PATH_ENTRY.findall(search_path)
    ]
    return [role if name == "$user" else name for name in names]


class PlanningSession:
    """Plans statements of any number of roles; lives inside `planning_session` only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._token = secrets.token_hex(8)
        self._functions: dict[tuple[str, bool], str] = {}
        self._roles: dict[int | None, Row] = {}
        self._checked: dict[str, str] = {}
        self._hypothetical: set[int] = set()
        self._hypopg: str | None = None
        self._names = 0
        version = database.query(
            "select current_setting('server_version_num')::int as version, current_user as me"
        )
        self._version = int(version[0]["version"])
        self._me = str(version[0]["me"])

    # ------------------------------------------------------------------ plans

    def explain(self, query: Query, userid: int | None = None) -> dict[str, Any]:
        """The generic plan of a statement, as EXPLAIN's JSON object.

        `userid` is the role that issued it; None means the caller. Raises UnplannableQuery, UnsafeQuery.
        """
        role = self._role(userid)
        explain = self._explain_as_planner_role if role["rolname"] == PLANNER_ROLE else self._explain_as
        try:
            return explain(query, role)
        except DatabaseError as error:
            untyped = _UNTYPED.search(str(error)) if error.sqlstate == INDETERMINATE_DATATYPE else None
            if untyped:
                number = re.escape(untyped[1])
                typed = re.sub(rf"\${number}(?![0-9])", f"${untyped[1]}::text", query.plannable)
                if f"${untyped[1]}::text::text" not in typed:
                    return self.explain(replace(query, plannable=typed), userid)
            if error.sqlstate == QUERY_CANCELED and userid is None:
                raise
            raise UnplannableQuery(
                f"PostgreSQL cannot plan this statement: {error} ({error.sqlstate})"
            ) from error

    def reader(self) -> Database:
        """What reads the caller's tables: inside the caller's own function, for a superuser his session.

        A policy's functions run while a table is read. A superuser is above policies, so none runs for him.
        """
        role = self._role(None)
        if role["rolname"] == PLANNER_ROLE:
            return self._database
        return _InsideFunction(self._database, self._function_of(role, False))

    def search_path(self, userid: int | None = None) -> list[str]:
        """Schemas in which a role's unqualified names are looked for."""
        role = self._role(userid)
        return schemas(str(role["search_path"]), str(role["rolname"]))

    def _explain_as(self, query: Query, role: Row) -> dict[str, Any]:
        if query.parameter_count and self._version < GENERIC_PLAN_OPTION_SINCE:
            with self._prepared_statement() as name:
                nulls = ", ".join(["null"] * query.parameter_count)
                return self._call(
                    role,
                    setup=f"prepare {name} as {query.plannable}",
                    explain=f"explain (format json, verbose) execute {name}({nulls})",
                )
        options = "format json, verbose, generic_plan" if query.parameter_count else "format json, verbose"
        return self._call(role, explain=f"explain ({options}) {query.plannable}")

    def _explain_as_planner_role(self, query: Query, role: Row) -> dict[str, Any]:
        self._refuse_untrusted(query, role)
        self._function_of(role, True)
        with self._database.rolled_back():
            for group in ("pg_read_all_data", "pg_write_all_data"):
                self._database.query(f"grant {group} to {PLANNER_ROLE}")
            return self._explain_as(query, role)

    def _refuse_untrusted(self, query: Query, role: Row) -> None:
        """Check what a statement would run, unless that was done already and no object has been made since."""
        newest = str(self._database.query(_NEWEST_OBJECTS)[0]["oids"])
        if self._checked.get(query.plannable) == newest:
            return
        self._function_of(role, False)
        newest = str(self._database.query(_NEWEST_OBJECTS)[0]["oids"])
        with self._database.rolled_back():
            self._check(query, role)
        self._checked[query.plannable] = newest

    def _check(self, query: Query, role: Row) -> None:
        """Let the server record what the statement depends on, by making it the body of a function, and read that."""
        with self._prepared_statement() as name:
            self._call(role, setup=f"prepare {name} as {query.plannable}", read_only=False)
            types = self._database.query(
                "select parameter_types::text[] as types from pg_catalog.pg_prepared_statements where name = $1",
                ["text"],
                [name],
            )[0]["types"]
        body = self._new_name()
        self._call(
            role,
            setup=f"create function pg_temp.{body}({', '.join(types)}) returns void"
            f" language sql begin atomic {query.plannable}\n; end",
            read_only=False,
        )
        oid = self._database.query("select oid from pg_catalog.pg_proc where proname = $1", ["text"], [body])[
            0
        ]["oid"]
        for untrusted in self._database.query(_UNTRUSTED, ["oid"], [oid]):
            raise UnsafeQuery(
                f"Statement not planned: it would run {untrusted['function']}, which belongs to {untrusted['owner']}",
                detail="The statement's own role is a superuser or is gone, and planning a statement runs functions.",
            )

    def _call(
        self, role: Row, *, setup: str = "", explain: str = "", read_only: bool = True
    ) -> dict[str, Any]:
        rows = self._database.query(
            f"select {self._function_of(role, read_only)}($1, $2, $3) as plan",
            ["text", "text", "text"],
            [setup, explain, f"{role['search_path'] or chr(34) * 2}, pg_temp"],
        )
        return dict(json.loads(rows[0]["plan"])[0]) if explain else {}

    @contextmanager
    def _prepared_statement(self) -> Iterator[str]:
        """A name for a prepared statement; prepared statements outlive a rollback, so it is deallocated here."""
        name = self._new_name()
        try:
            yield name
        finally:
            if self._database.query(
                "select 1 as found from pg_catalog.pg_prepared_statements where name = $1", ["text"], [name]
            ):
                self._database.query(f"deallocate {name}")

    def _new_name(self) -> str:
        self._names += 1
        return f"wedding_dbopt_{self._token}_{self._names}"

    def _function_of(self, role: Row, read_only: bool) -> str:
        """The SECURITY DEFINER function of a role, made on first use. A cursor takes one statement only."""
        key = (str(role["rolname"]), read_only)
        if key not in self._functions:
            function = f"pg_temp.{self._new_name()}"
            self._database.query(
                f"""create function {function}(setup text, explain text, path text) returns text
                language plpgsql security definer
                set lock_timeout = '500ms' set plan_cache_mode = force_generic_plan set jit = off
                {"set transaction_read_only = on" if read_only else ""} as $body$
                declare
                  plan_cursor refcursor;
                  plan text;
                begin
                  perform pg_catalog.set_config('search_path', path, true);
                  if setup <> '' then execute setup; end if;
                  if explain <> '' then
                    open plan_cursor for execute explain;
                    fetch plan_cursor into plan;
                    close plan_cursor;
                  end if;
                  return plan;
                end $body$"""
            )
            if role["rolname"] != self._me:
                self._database.query(f"alter function {function}(text, text, text) owner to {role['quoted']}")
            self._functions[key] = function
        return self._functions[key]

    def _role(self, userid: int | None) -> Row:
        """The role to plan as: the issuer, or the planner role where that is a superuser or gone."""
        if userid not in self._roles:
            me = "" if userid is not None else self._me
            found = self._database.query(_ROLE, ["oid", "name"], [userid or 0, me])
            if not found or found[0]["rolsuper"]:
                path = found[0]["search_path"] if found else None
                found = self._database.query(_ROLE, ["oid", "name"], [0, PLANNER_ROLE])
                found[0]["search_path"] = path or found[0]["search_path"]
            self._roles[userid] = found[0]
        return self._roles[userid]

    # ------------------------------------------------------------------ hypothetical indexes

    def create_hypothetical(self, sql: str) -> int:
        """Make a hypothetical index from CREATE INDEX text of ours; returns its oid. Raises MissingExtension."""
        rows = self._database.query(
            f"select indexrelid from {self._hypopg_schema()}.hypopg_create_index($1)", ["text"], [sql]
        )
        oid = int(rows[0]["indexrelid"])
        self._hypothetical.add(oid)
        return oid

    def drop_hypothetical(self, oid: int) -> None:
        """Forget a hypothetical index made by this session."""
        self._database.query(f"select {self._hypopg_schema()}.hypopg_drop_index($1)", ["oid"], [oid])
        self._hypothetical.discard(oid)

    def _hypopg_schema(self) -> str:
        if self._hypopg is None:
            rows = self._database.query(
                "select extnamespace::regnamespace::text as schema from pg_catalog.pg_extension where extname = 'hypopg'"
            )
            if not rows:
                raise MissingExtension(
                    "Index advice needs the extension hypopg",
                    hint="Run CREATE EXTENSION hypopg; in this database.",
                )
            self._hypopg = str(rows[0]["schema"])
        return self._hypopg

    def close(self) -> None:
        """Drop the hypothetical indexes that are left: they live in the backend, not in the transaction."""
        for oid in list(self._hypothetical):
            self.drop_hypothetical(oid)


class _InsideFunction:
    """A Database whose statements, ours, run inside a role's SECURITY DEFINER function; one row at most comes back."""

    def __init__(self, database: Database, function: str) -> None:
        self._database = database
        self._function = function
        self.rolled_back = database.rolled_back
        self.subtransaction = database.subtransaction
        self.commit = database.commit

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[Row]:
        for number, (kind, value) in enumerate(zip(types, values), start=1):
            literal = "'" + str(value).replace("'", "''") + f"'::{kind}"
            sql = literal.join(re.split(rf"\${number}(?![0-9])", sql))
        verb = sql.split(maxsplit=1)[0].upper()
        row = f"select row_to_json(q)::text from ({sql}) q" if verb == "SELECT" else sql
        setup, explain = ("", row) if verb in ("SELECT", "EXPLAIN") else (sql, "")
        found = self._database.query(
            f"select {self._function}($1, $2, 'pg_catalog, pg_temp') as found",
            ["text", "text"],
            [setup, explain],
        )[0]["found"]
        if found is None:
            return []
        return [{"plan": found}] if verb == "EXPLAIN" else [dict(json.loads(found))]


@contextmanager
def planning_session(database: Database) -> Iterator[PlanningSession]:
    """A PlanningSession inside a read-only subtransaction that is always rolled back."""
    with database.rolled_back():
        session = PlanningSession(database)
        try:
            yield session
        finally:
            session.close()
