"""Who plans a statement whose own role is a superuser or is gone.

The server is asked what the statement depends on: it is made the body of a function, as a role without any right, and
the dependencies that the server records are followed through views, policies, defaults, checks, index expressions,
extended statistics, inheritance children and types. Built-in objects are not recorded.

Where everything belongs to superusers, nobody else can change what planning runs, and the planner role may plan it.
Where ordinary objects belong to one role, that role plans it: what its objects run, runs as itself. Row-level
security is left out for a table's owner as it is for a superuser, so the plan is the true one. Where two ordinary
roles have a part, code of the one could run as the other, and the statement is refused.
"""

from __future__ import annotations

import os
import re

from wedding_dbopt.database import Database, Row
from wedding_dbopt.errors import UnsafeQuery
from wedding_dbopt.query import Query, tokens
from wedding_dbopt.role_functions import RoleFunctions, schemas

_OWNERS = """
with recursive reached (classid, objid) as (
  select 'pg_catalog.pg_proc'::regclass::oid, $1::regprocedure::oid
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
), owned (owner, object) as (
  select p.proowner, 'function ' || p.oid::regprocedure
  from reached r join pg_catalog.pg_proc p on p.oid = r.objid
  where r.classid = 'pg_catalog.pg_proc'::regclass and p.oid <> $1::regprocedure
  union all
  select c.relowner, 'relation ' || c.oid::regclass
  from reached r join pg_catalog.pg_class c on c.oid = r.objid where r.classid = 'pg_catalog.pg_class'::regclass
  union all
  select t.typowner, 'type ' || t.oid::regtype
  from reached r join pg_catalog.pg_type t on t.oid = r.objid where r.classid = 'pg_catalog.pg_type'::regclass
  union all
  select o.oprowner, 'operator ' || o.oid::regoperator
  from reached r join pg_catalog.pg_operator o on o.oid = r.objid
  where r.classid = 'pg_catalog.pg_operator'::regclass
)
select o.owner::bigint as owner, a.rolname, min(o.object) as object
from owned o join pg_catalog.pg_roles a on a.oid = o.owner
where not a.rolsuper group by 1, 2 order by 2
"""
_DYNAMIC = re.compile(r"_to_xml|ts_stat|ts_rewrite|crosstab|connectby|xpath_table|dblink", re.IGNORECASE)
_CLOSED = """
select quote_ident(n.nspname) as schema from pg_catalog.pg_namespace n
where n.nspname = any ($1) and not pg_catalog.has_schema_privilege($2, n.oid, 'usage')
"""
PARAMETER_TYPES = (
    "select parameter_types::text[] as types from pg_catalog.pg_prepared_statements where name = $1"
)


def planner_of(database: Database, functions: RoleFunctions, query: Query, nobody: Row) -> int | None:
    """The oid of the ordinary role that plans the statement, or None for the planner role `nobody`.

    Call it in a subtransaction that is rolled back. Raises UnsafeQuery; DatabaseError where the text does not parse.
    """
    _let_names_be_found(database, query, nobody)
    name = f"wedding_dbopt_{os.urandom(12).hex()}"
    try:
        functions.read(nobody, setup=f"prepare {name} as {query.plannable}")
        types = ", ".join(database.query(PARAMETER_TYPES, ["text"], [name])[0]["types"])
    finally:
        deallocate(database, name)
    body = f"pg_temp.wedding_dbopt_{os.urandom(12).hex()}({types})"
    functions.write_once(
        nobody,
        setup=f"create function {body} returns void language sql begin atomic {query.plannable}\n; end",
    )
    owners = database.query(_OWNERS, ["text"], [body])
    if not owners:
        _refuse_dynamic_sql(query)
    if len(owners) > 1:
        parts = " and ".join(f"{row['object']} of {row['rolname']}" for row in owners[:2])
        raise UnsafeQuery(
            f"Statement not planned: {parts} have a part in it",
            detail="Its own role is a superuser or is gone, and code of one ordinary role could run as another.",
        )
    return int(owners[0]["owner"]) if owners else None


def _refuse_dynamic_sql(query: Query) -> None:
    """Built-in functions that run SQL named in a string: what that reaches, no dependency tells."""
    for token in tokens(query.plannable):
        word = query.plannable[token.start : token.end]
        if token.kind in ("word", "quoted") and (_DYNAMIC.search(word) or word[:2].lower() == "u&"):
            raise UnsafeQuery(f"Statement not planned: {word} may run SQL that is not seen in it")


def _let_names_be_found(database: Database, query: Query, nobody: Row) -> None:
    """Let the role without rights look names up in the statement's schemas; rolled back with everything else."""
    wanted = schemas(str(nobody["search_path"]), str(nobody["rolname"]))
    wanted += [table.schema for table in query.tables if table.schema]
    for row in database.query(_CLOSED, ["text[]", "oid"], [wanted, nobody["oid"]]):
        database.query(f"grant usage on schema {row['schema']} to {nobody['quoted']}")


def deallocate(database: Database, name: str) -> None:
    """Forget a prepared statement, if there is one: these outlive a rollback."""
    if database.query(
        "select 1 as found from pg_catalog.pg_prepared_statements where name = $1", ["text"], [name]
    ):
        database.query(f"deallocate {name}")
