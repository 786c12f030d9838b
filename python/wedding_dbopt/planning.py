"""The one place where foreign SQL is planned, always as the role that issued it.

Planning runs code: immutable functions are folded, stable ones estimate selectivity, domain checks run while literals
are read. Whoever wrote a statement, or a function, operator, view, policy or domain it uses, must not get more rights
than he has. So every statement is parsed and planned inside a read-only SECURITY DEFINER function that belongs to its
own role (role_functions.py), in a subtransaction that is always rolled back: a deferred trigger, a cursor WITH HOLD or
a temporary object planted there never comes to life, and no lock on a table outlives its plan.

Statements of superusers and of roles that are gone are planned by whom trust.py finds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from wedding_dbopt.database import Database, DatabaseError, Row, StatementCancelled
from wedding_dbopt.errors import MissingExtension, UnplannableQuery, stack_bound
from wedding_dbopt.query import Query
from wedding_dbopt.role_functions import OWN_PATH, ReaderAs, RoleFunctions, literal, schemas
from wedding_dbopt.trust import PARAMETER_TYPES, deallocate, planner_of

PLANNER_ROLE = "wedding_dbopt_planner"
GENERIC_PLAN_OPTION_SINCE = 160000
INDETERMINATE_DATATYPE = "42P18"
_HINTS = {
    "25006": "Call it in a transaction that may write (over HTTP by POST): it plans in a temporary function, which is "
    "rolled back.",
    "42P01": "A name without a schema is looked for in the search_path that this role's sessions begin with; SET search_path "
    "does not change that. Write the schema before the name.",
}
_UNTYPED = re.compile(r"parameter \$(\d+)")

_ROLE = """
select r.oid, r.rolname, r.rolsuper, quote_ident(r.rolname) as quoted,
       _wedding_dbopt.role_search_path(r.oid, $2) as search_path
from pg_catalog.pg_roles r where r.oid = $1
"""
_NAMED_ROLE = _ROLE.replace("r.oid = $1", "r.rolname = $1")
_SESSION = """
select current_setting('server_version_num')::int as version, current_user as me,
       (select g.reset_val from pg_catalog.pg_settings g where g.name = 'search_path') as path
"""
_OWNER = """
select c.relowner::bigint as owner
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
"""


def _with_type(query: Query, error: DatabaseError) -> Query | None:
    """The statement with the parameter made a text whose type the server could not tell, if that was the error."""
    untyped = _UNTYPED.search(str(error)) if error.sqlstate == INDETERMINATE_DATATYPE else None
    if untyped is None:
        return None
    number = re.escape(untyped[1])
    typed = re.sub(rf"\${number}(?![0-9])", f"${untyped[1]}::text", query.plannable)
    if typed == query.plannable or f"${untyped[1]}::text::text" in typed:
        return None
    return replace(query, plannable=typed)


class Execution:
    """Runs texts made of one statement as its role: read-only, under a time limit, in a subtransaction that is rolled back."""

    def __init__(self, database: Database, functions: RoleFunctions, role: Row) -> None:
        self._database = database
        self._functions = functions
        self._role = role
        functions.prepare(role)

    @property
    def role(self) -> str:
        """Its name."""
        return str(self._role["rolname"])

    def read(self, result: str, seconds: float, *, setup: str = "", own_path: bool = False) -> str | None:
        """The first column of the first row. Raises DatabaseError, TimeLimitReached."""
        with self._database.time_limit(seconds):
            path = OWN_PATH if own_path else None
            return self._functions.read(self._role, setup=setup, result=result, path=path)

    def explain(self, text: str, seconds: float) -> dict[str, Any]:
        """The plan of a text without parameters. Raises DatabaseError, TimeLimitReached."""
        plan = self.read(f"explain (format json, verbose) {text}", seconds)
        return dict(json.loads(plan or "[{}]")[0])

    def parameter_types(self, query: Query) -> list[str]:
        """The types that the server gives the parameters, by number. Raises DatabaseError."""
        name = f"wedding_dbopt_{os.urandom(12).hex()}"
        try:
            self._functions.read(self._role, setup=f"prepare {name} as {query.plannable}")
            rows = self._database.query(PARAMETER_TYPES, ["text"], [name])
        except DatabaseError as error:
            typed = _with_type(query, error)
            if typed is None:
                raise
            return self.parameter_types(typed)
        finally:
            deallocate(self._database, name)
        return [str(kind) for kind in rows[0]["types"]] if rows else []

    def read_written(self, texts: Sequence[str], result: str, seconds: float) -> str | None:
        """The same after statements that write, which are rolled back too, each in a function of its own."""
        with self._database.time_limit(seconds), self._database.rolled_back():
            for text in texts:
                self._functions.write_once(self._role, setup=text)
            return self._functions.write_once(self._role, result=result)


class PlanningSession:
    """Plans statements of any number of roles; lives inside `planning_session` only."""

    def __init__(self, database: Database, contained: bool = False) -> None:
        self._database = database
        session = database.query(_SESSION)[0]
        self._version = int(session["version"])
        self._me = str(session["me"])
        self._start_path = session["path"]
        self._functions = RoleFunctions(database, self._me, contained)
        self._roles: dict[int, Row | None] = {}
        self._named_roles: dict[str, Row] = {}
        self._planners: dict[str, int | None] = {}
        self._owners: dict[tuple[str, str], Row | None] = {}
        self._hypothetical: set[int] = set()
        self._foreign: set[int] = set()  # hypothetical indexes that the caller had made before
        self._hypopg: str | None = None
        self._myself = self._named(self._me)

    # ------------------------------------------------------------------ plans

    @stack_bound
    def explain(self, query: Query, userid: int | None = None) -> dict[str, Any]:
        """The generic plan of a statement, as EXPLAIN's JSON object.

        `userid` is the role that issued it; None means the caller. Raises UnplannableQuery, UnsafeQuery, TooDeep, and
        StatementCancelled where the caller's own call is. The server's message, which may quote the statement's values,
        is the detail.
        """
        issuer = self._myself if userid is None else self._role(userid)
        try:
            with self._planner(query, issuer) as planner:
                return self._plan(query, planner)
        except DatabaseError as error:
            typed = _with_type(query, error)
            if typed is not None:
                return self.explain(typed, userid)
            raise UnplannableQuery(
                f"PostgreSQL cannot plan this statement ({error.sqlstate})",
                detail=str(error),
                hint=_HINTS.get(error.sqlstate or ""),
            ) from error

    def search_path(self, userid: int | None = None) -> list[str]:
        """Schemas in which a role's unqualified names are looked for."""
        role = (self._myself if userid is None else self._role(userid)) or self._named(PLANNER_ROLE)
        return schemas(str(role["search_path"]), str(role["rolname"]))

    @contextmanager
    def running(self, query: Query, userid: int | None = None) -> Iterator[Execution]:
        """What runs texts made of the statement, read-only, as the role that plans it. Raises UnsafeQuery."""
        issuer = self._myself if userid is None else self._role(userid)
        with self._planner(query, issuer) as planner:
            yield Execution(self._database, self._functions, planner)

    @contextmanager
    def _planner(self, query: Query, issuer: Row | None) -> Iterator[Row]:
        """The role that plans a statement: its issuer, or for a superuser's whom trust.py finds."""
        if issuer is not None and not issuer["rolsuper"]:
            yield issuer
            return
        nobody = self._named(PLANNER_ROLE)
        path = (issuer or nobody)["search_path"]
        self._functions.prepare(nobody)
        if query.plannable not in self._planners:
            with self._database.rolled_back():
                self._planners[query.plannable] = planner_of(
                    self._database, self._functions, query, {**nobody, "search_path": path}
                )
        owner = self._planners[query.plannable]
        if owner is not None:
            yield {**(self._role(owner) or nobody), "search_path": path}
            return
        with self._database.rolled_back():
            self._database.query(f"grant pg_read_all_data, pg_write_all_data to {PLANNER_ROLE}")
            yield {**nobody, "search_path": path}

    def _plan(self, query: Query, role: Row) -> dict[str, Any]:
        """The plan; of a generic one also the partitions that the server leaves out of EXPLAIN, as no row is in NULL's."""
        plan = self._planned(query, role)
        if query.parameter_count and "Subplans Removed" in plan:
            with self._database.rolled_back():
                self._database.query("select pg_catalog.set_config('enable_partition_pruning', 'off', true)")
                plan = self._planned(query, role)
        return dict(json.loads(plan)[0])

    def _planned(self, query: Query, role: Row) -> str:
        if query.parameter_count and self._version < GENERIC_PLAN_OPTION_SINCE:
            name = f"wedding_dbopt_{os.urandom(12).hex()}"
            nulls = ", ".join(["null"] * query.parameter_count)
            try:
                plan = self._functions.read(
                    role,
                    setup=f"prepare {name} as {query.plannable}",
                    result=f"explain (format json, verbose) execute {name}({nulls})",
                )
            finally:
                deallocate(self._database, name)
        else:
            options = (
                "format json, verbose, generic_plan" if query.parameter_count else "format json, verbose"
            )
            plan = self._functions.read(role, result=f"explain ({options}) {query.plannable}")
        return plan or "[{}]"

    # ------------------------------------------------------------------ roles

    def _named(self, name: str) -> Row:
        if name not in self._named_roles:
            values = [name, self._start_path]
            self._named_roles[name] = self._database.query(_NAMED_ROLE, ["name", "text"], values)[0]
        return self._named_roles[name]

    def _role(self, userid: int) -> Row | None:
        """A role by its oid; None when it is gone."""
        if userid not in self._roles:
            found = self._database.query(_ROLE, ["oid", "text"], [userid, self._start_path])
            self._roles[userid] = found[0] if found else None
        return self._roles[userid]

    def _toucher(self, schema: str, table: str) -> Row | None:
        """As whom our own statements touch a table: an ordinary caller himself, else the table's ordinary owner.

        Touching a table runs its index expressions, which are its owner's. None: owner and caller are superusers.
        """
        if not self._myself["rolsuper"]:
            return self._myself
        if (schema, table) not in self._owners:
            found = self._database.query(_OWNER, ["name", "name"], [schema, table])
            self._owners[schema, table] = self._role(int(found[0]["owner"])) if found else None
        owner = self._owners[schema, table]
        return owner if owner is not None and not owner["rolsuper"] else None

    def reader(self, schema: str, table: str) -> Database:
        """What reads a table for a sample."""
        role = self._toucher(schema, table)
        return self._database if role is None else ReaderAs(self._database, self._functions, role)

    # ------------------------------------------------------------------ hypothetical indexes

    def create_hypothetical(self, wanted: Sequence[tuple[str, tuple[str, str]]]) -> list[int]:
        """Make hypothetical indexes, each on its table (schema, name), all or none; their oids in that order.

        Raises MissingExtension, DatabaseError, StatementCancelled.
        """
        makers: dict[str, tuple[Row | None, list[int]]] = {}
        for number, (_, place) in enumerate(wanted):
            role = self._toucher(*place)
            makers.setdefault("" if role is None else str(role["rolname"]), (role, []))[1].append(number)
        oids: dict[int, int] = {}
        try:
            for role, numbers in makers.values():
                made = self._made_as(role, [wanted[number][0] for number in numbers])
                oids.update(zip(numbers, made))
                self._hypothetical.update(made)
        except (DatabaseError, StatementCancelled):
            self._drop_strays()
            self.drop_hypothetical(list(oids.values()))
            raise
        return [oids[number] for number in range(len(wanted))]

    def _made_as(self, role: Row | None, statements: Sequence[str]) -> list[int]:
        """The oids of hypothetical indexes that a role makes, in one call of the server."""
        text = (
            "select string_agg(i.indexrelid::text, ' ' order by s.n) as oids "
            f"from unnest({{}}) with ordinality s (t, n), lateral {self._hypopg_schema()}.hypopg_create_index(s.t) i"
        )
        if role is None:
            rows = self._database.query(text.format("$1"), ["text[]"], [list(statements)])
            oids = rows[0]["oids"]
        else:
            listed = f"array[{', '.join(literal(statement) for statement in statements)}]"
            oids = self._functions.read(role, result=text.format(listed), path=OWN_PATH)
        return [int(oid) for oid in str(oids or "").split()]

    def _drop_strays(self) -> None:
        """Forget what a call made before it failed: hypothetical indexes know no rollback."""
        found = self._database.query(
            f"select indexrelid::bigint as oid from {self._hypopg_schema()}.hypopg()"
        )
        self.drop_hypothetical(
            [row["oid"] for row in found if row["oid"] not in self._hypothetical | self._foreign]
        )

    def drop_hypothetical(self, oids: Sequence[int]) -> None:
        """Forget hypothetical indexes made by this session."""
        if oids:
            text = f"select {self._hypopg_schema()}.hypopg_drop_index(oid) from unnest($1) oid"
            self._database.query(text, ["oid[]"], [list(oids)])
            self._hypothetical.difference_update(oids)

    @contextmanager
    def hidden(self, schema: str, index: str) -> Iterator[None]:
        """An index out of the planner's sight, in this session only and without a lock on its table; for superusers.

        HypoPG 1.4 and later can do it; before, a row of the catalogue is changed in a subtransaction that is rolled back.
        """
        hypopg = self._hypopg_schema()
        row = self._database.query(
            "select format('%I.%I', $1, $2)::regclass::oid::bigint as oid, to_regproc($3) is not null as hides",
            ["text", "text", "text"],
            [schema, index, f"{hypopg}.hypopg_hide_index"],
        )[0]
        with self._database.rolled_back():
            if not row["hides"]:
                text = "update pg_catalog.pg_index set indisvalid = false where indexrelid = $1"
                self._database.query(text, ["oid"], [row["oid"]])
                yield
                return
            self._database.query(f"select {hypopg}.hypopg_hide_index($1)", ["oid"], [row["oid"]])
            try:
                yield
            finally:
                self._database.query(f"select {hypopg}.hypopg_unhide_index($1)", ["oid"], [row["oid"]])

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
            found = self._database.query(f"select indexrelid::bigint as oid from {self._hypopg}.hypopg()")
            self._foreign = {row["oid"] for row in found}
        return self._hypopg

    def close(self) -> None:
        """Drop the hypothetical indexes that are left: they live in the backend, not in the transaction."""
        self.drop_hypothetical(list(self._hypothetical))


@contextmanager
def planning_session(database: Database, contained: bool = False) -> Iterator[PlanningSession]:
    """A PlanningSession inside a subtransaction that is always rolled back.

    `contained`: what looks like a cancel in another role's code is the failure of that code alone.
    """
    with database.rolled_back():
        session = PlanningSession(database, contained)
        try:
            yield session
        finally:
            session.close()
