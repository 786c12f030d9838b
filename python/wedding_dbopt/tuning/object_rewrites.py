"""Views, SQL functions and row-level policies whose definition can be replaced by an equal one that costs less.

What the application sends is its own; these live in the database. Each definition is rewritten, planned and refereed as
the object's owner. Only steps that are always equal lead to an action: a form that rests on a constraint would be wrong once
that is dropped, so it is told to people and never stored by us.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.database import Database, DatabaseError, Row
from wedding_dbopt.errors import DboptError
from wedding_dbopt.plan import Plan
from wedding_dbopt.planning import PlanningSession, planning_session
from wedding_dbopt.query import Query
from wedding_dbopt.rewrite.choice import Choice, Chooser
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.measure import Limits
from wedding_dbopt.rewrite.referee import Referee
from wedding_dbopt.rewrite.use import note
from wedding_dbopt.tuning.deeds.deed import identifier
from wedding_dbopt.tuning.idea import Idea
from wedding_dbopt.tuning.policies import per_row_calls, wrapped
from wedding_dbopt.tuning.run_event import note_run
from wedding_dbopt.tuning.sql_functions import Body, body_of

SECONDS = 20.0
MOST_OBJECTS = 200
MOST_NAMES = 10
LEVEL = "aggressive"
_USER_SCHEMAS = """
n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'wedding_dbopt', '_wedding_dbopt')
"""
_NO_MEMBER = "not exists (select from pg_catalog.pg_depend d where d.objid = {oid} and d.deptype = 'e')"
#: The statements that name a view or table.
_USE = """
(select coalesce(jsonb_agg(jsonb_build_object('statement_id', s.id) order by s.id), '[]')
 from _wedding_dbopt.statement s
 where format('%I.%I', n.nspname, c.relname) = any (s.tables) and not s.own
   and s.dbid = (select b.oid from pg_catalog.pg_database b where b.datname = current_database())) as uses
"""
_VIEWS = f"""
select n.nspname as schema, c.relname as name, c.relowner::bigint as owner, pg_catalog.pg_get_viewdef(c.oid) as text,
       c.reloptions as options, {_USE}
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and {_USER_SCHEMAS} and {_NO_MEMBER.format(oid="c.oid")}
  and not coalesce(c.reloptions::text ~ 'check_option|security_barrier', false)
order by 1, 2 limit {MOST_OBJECTS}
"""
_UPDATABLE = """
select concat_ws(' ', pg_catalog.pg_relation_is_updatable(c.oid, false),
         (select string_agg(pg_catalog.pg_column_is_updatable(c.oid, a.attnum, false)::text, ' ' order by a.attnum)
          from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0)) as writable
from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)
"""
_FUNCTIONS = f"""
select n.nspname as schema, p.oid::regprocedure::text as name, p.proowner::bigint as owner, p.prosrc as text,
       p.proargnames::text[] as arguments, p.proargmodes::text[] as modes, p.proargtypes::oid[]::regtype[]::text[] as types,
       pg_catalog.pg_get_functiondef(p.oid) as definition, p.prosqlbody is not null as atomic, p.proconfig is not null as sets
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where l.lanname = 'sql' and p.prokind = 'f'
  and {_USER_SCHEMAS} and {_NO_MEMBER.format(oid="p.oid")}
order by 1, 2 limit {MOST_OBJECTS}
"""
_POLICIES = f"""
select n.nspname as schema, c.relname as table, o.polname as name, c.relowner::bigint as owner,
       pg_catalog.pg_get_expr(o.polqual, o.polrelid) as condition,
       pg_catalog.pg_get_expr(o.polwithcheck, o.polrelid) as checked, {_USE}
from pg_catalog.pg_policy o join pg_catalog.pg_class c on c.oid = o.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relrowsecurity and {_USER_SCHEMAS}
order by 1, 2, 3 limit {MOST_OBJECTS}
"""


@dataclass
class _Workshop:
    """What is needed to judge a definition."""

    database: Database
    session: PlanningSession
    limits: Limits
    offered: list[Choice] = field(default_factory=list)
    left: dict[str, list[str]] = field(default_factory=dict)
    """Functions that were not looked at, by the reason."""

    def choose(self, query: Query, owner: int) -> Choice | None:
        """The rewritten form of a definition, if it pays by the planner's cost."""
        try:
            plan = self.session.explain(query, owner)
            path = self.session.search_path(owner)
            catalog = Catalog.load(self.database, query.tables, path)
            facts = Facts.load(self.database, catalog, path, query.plannable)
            chooser = Chooser(self.database, self.session, catalog, facts, query, plan, owner, self.limits)
            choice = chooser.choose(LEVEL, measured=False)
        except DboptError:
            return None  # what its owner cannot plan is not ours to change
        return choice if choice.form is not None else None

    def is_equal(self, query: Query, form: Query, owner: int) -> str | None:
        """The referee's reason where both forms agree; None where they do not, or nothing could be compared."""
        catalog = Catalog.load(self.database, [*query.tables, *form.tables], self.session.search_path(owner))
        plan = self.session.explain(query, owner)
        verdict = Referee(self.database, self.session, self.limits).judge(query, form, catalog, plan, owner)
        return verdict.reason if verdict.equal else None


def object_ideas(database: Database, run_id: int) -> list[Idea]:
    """Ideas of kind query_rewrite; no more are sought when the time is over.

    A list, because what is stored while the planning session lives is rolled back with it.
    """
    ends = time.monotonic() + SECONDS
    ideas: list[Idea] = []
    with planning_session(database, contained=True) as session:
        workshop = _Workshop(database, session, Limits(seconds=2.0, search_seconds=2.0))
        for query, idea_of in ((_POLICIES, _policy), (_VIEWS, _view), (_FUNCTIONS, _function)):
            for row in database.query(query):
                if time.monotonic() > ends:
                    break
                idea = idea_of(workshop, row)
                if idea is not None:
                    ideas.append(idea)
    for choice in workshop.offered:
        note(database, choice)
    if workshop.left:
        _tell_left(database, run_id, workshop.left)
    return ideas


def _tell_left(database: Database, run_id: int, left: dict[str, list[str]]) -> None:
    said = []
    for why, names in left.items():
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        said.append(f"{', '.join(names[:MOST_NAMES])}{more}: {why}")
    note_run(database, run_id, "running", f"SQL functions that were not looked at. {'; '.join(said)}.")


def _view(workshop: _Workshop, row: Row) -> Idea | None:
    query = _parsed(str(row["text"]).rstrip().rstrip(";"))
    choice = workshop.choose(query, row["owner"]) if query is not None else None
    if query is None or choice is None or choice.form is None:
        return None
    checked = workshop.is_equal(query, choice.form, row["owner"])
    if checked is None:
        return None
    if not _as_updatable(workshop.database, row, choice.form.text):
        return None
    workshop.offered.append(choice)
    options = f" WITH ({', '.join(row['options'])})" if row["options"] else ""
    name = identifier(row["schema"], row["name"])
    head = f"CREATE OR REPLACE VIEW {name}{options} AS"
    return _idea(
        row,
        choice,
        checked,
        "view",
        str(row["name"]),
        f"{head} {choice.form.text}",
        f"{head} {row['text']}",
        None,
    )


def _as_updatable(database: Database, row: Row, text: str) -> bool:
    """Whether INSERT, UPDATE and DELETE through the view may do the same afterwards, no less and no more."""
    try:
        with database.rolled_back():
            database.query(f"CREATE TEMPORARY VIEW wedding_dbopt_form AS {text}")
            before, after = (
                database.query(_UPDATABLE, ["text"], [name])[0]["writable"]
                for name in (identifier(row["schema"], row["name"]), "pg_temp.wedding_dbopt_form")
            )
    except DatabaseError:
        return False
    return bool(before == after)


def _readable(row: Row) -> tuple[Body, Query] | str:
    """The body of a function with its statement, or why it cannot be judged."""
    if row["atomic"]:
        return "the server keeps BEGIN ATOMIC as a tree, not as a text"
    if row["sets"]:
        return "a SET clause changes what its body means"
    body = body_of(row)
    if body is None:
        return "an argument may as well be a column"
    query = _parsed(body.text)
    if query is None or query.kind != "select":
        return "the body is not one SELECT that can be read"
    if any(table.schema is None for table in query.tables):
        return "tables without a schema are looked for on the caller's search_path"
    return body, query


def _function(workshop: _Workshop, row: Row) -> Idea | None:
    found = _readable(row)
    if isinstance(found, str):
        workshop.left.setdefault(found, []).append(str(row["name"]))
        return None
    body, query = found
    choice = workshop.choose(query, row["owner"])
    if choice is None or choice.form is None:
        return None
    checked = workshop.is_equal(query, choice.form, row["owner"])
    made = body.definition_with(choice.form.text) if checked is not None else None
    if made is None or checked is None:
        return None
    workshop.offered.append(choice)
    return _idea(row, choice, checked, "function", str(row["name"]), made, str(row["definition"]), None)


def _policy(workshop: _Workshop, row: Row) -> Idea | None:
    """A call that no row has a part in, evaluated for each row: in a subquery it is evaluated once."""
    table = identifier(row["schema"], row["table"])
    new, calls, gains, proofs = {}, set(), [], []
    for clause, column in (("USING", "condition"), ("WITH CHECK", "checked")):
        condition = row[column]
        if condition is None:
            continue
        places = per_row_calls(workshop.database, condition)
        new[clause] = wrapped(condition, places)
        if not places:
            continue
        calls |= {condition[place.start : place.end] for place in places}
        judged = _same_rows(workshop, table, condition, new[clause], row["owner"])
        if judged is None:
            return None
        gains.append(judged[0])
        proofs.append(judged[1])
    if not calls or max(after / before for before, after in gains) > 0.95:
        return None
    before, after = gains[0]
    head = f"ALTER POLICY {identifier(row['name'])} ON {table}"
    old = {"USING": row["condition"], "WITH CHECK": row["checked"]}
    return Idea(
        kind="query_rewrite",
        object_kind="policy",
        schema=row["schema"],
        table=row["table"],
        object=row["name"],
        sql=(head + "".join(f" {clause} ({text})" for clause, text in new.items()),),
        rollback_sql=(head + "".join(f" {clause} ({old[clause]})" for clause in new),),
        estimated_improvement=round(100 * (1 - after / before), 2),
        benefits=tuple(_uses(row)),
        confidence=0.9,
        proof="refereed",
        risk="low",
        reason=(
            f"The policy {row['name']} on {row['table']} calls {', '.join(sorted(calls))} for each row, though no row has a "
            f"part in it; in a subquery it is called once. The planner's cost of reading the table under it falls from "
            f"{before:,.2f} to {after:,.2f}. {proofs[0]}"
        ),
    )


def _same_rows(
    workshop: _Workshop, table: str, condition: str, new: str, owner: int
) -> tuple[tuple[float, float], str] | None:
    """The planner's costs of the rows that pass a condition and its new form, and the referee's reason to call them equal."""
    before, after = (_parsed(f"select * from {table} where {text}") for text in (condition, new))
    if before is None or after is None:
        return None
    try:
        first, second = (Plan.from_json(workshop.session.explain(query, owner)) for query in (before, after))
    except DboptError:
        return None
    checked = workshop.is_equal(before, after, owner)
    return None if checked is None else ((first.total_cost, second.total_cost), checked)


def _idea(
    row: Row, choice: Choice, checked: str, kind: str, name: str, sql: str, rollback: str, table: str | None
) -> Idea:
    rules = ", ".join(dict.fromkeys(step.rule for step in choice.rewriting.steps))
    rests = sorted({constraint for step in choice.rewriting.steps for constraint in step.constraints})
    reason = f"The {kind} {name} can be written by {rules}: same rows, {100 * choice.gain:.1f} % less planner cost. {checked}"
    if rests:
        reason += f" It rests on {', '.join(rests)}, so it is advice only: without that it may be wrong."
    return Idea(
        kind="query_rewrite",
        object_kind=kind,
        schema=row["schema"],
        table=table,
        object=name,
        sql=(sql,),
        rollback_sql=(rollback,),
        details={"rules": rules.split(", "), "constraints": rests},
        estimated_improvement=round(100 * choice.gain, 2),
        benefits=tuple(_uses(row)),
        confidence=0.9,
        proof="refereed",
        safety="manual" if rests else "auto",
        risk="medium",
        reason=reason,
    )


def _uses(row: Row) -> list[Row]:
    uses = row.get("uses") or "[]"
    return list(json.loads(uses)) if isinstance(uses, str) else list(uses)


def _parsed(text: str) -> Query | None:
    try:
        return Query.parse(text)
    except DboptError:
        return None
