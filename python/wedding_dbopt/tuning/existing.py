"""Advice on the indexes that are there: what to drop, to rebuild, and which foreign keys lack one.

What is wrong is decided by the checks of sql/findings and nowhere else, so findings and advice never contradict: of two
equal indexes the same one stays, and what a season, a replica or a constraint needs is not called unused. Here a finding
becomes an idea with the statements that carry it out and undo it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from wedding_dbopt.database import Database, DatabaseError, Row
from wedding_dbopt.errors import DboptError
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.existing import covers
from wedding_dbopt.indexes.selection.problem import MAX_REGRESSION
from wedding_dbopt.indexes.terms import column_term
from wedding_dbopt.plan import Plan
from wedding_dbopt.tuning.idea import Idea
from wedding_dbopt.tuning.names import free_name

_KINDS = ["invalid_index", "redundant_index", "unused_index", "bloated_index", "unindexed_foreign_key"]
_FOUND = """
with moment as (
  select c.now, c.now - _wedding_dbopt.setting_value('workload_window')::interval as since from (select clock_timestamp()) c (now)
), found as (
  select f.* from moment m
  cross join lateral (select * from _wedding_dbopt.check_indexes(m.now) union all select * from _wedding_dbopt.check_bloat(m.now)
                      union all select * from _wedding_dbopt.check_foreign_keys(m.now)) f
  where f.kind = any ($1) and ($2::oid[] is null or f.relid = any ($2))
    and not exists (select from _wedding_dbopt.finding_mute u
                    where u.key in (f.kind, f.kind || ':' || f.object) and (u.muted_until is null or u.muted_until > m.now))
)
select f.kind, f.severity, f.object, f.reason, f.remedy, n.nspname::text as schema, t.relname::text as table,
       i.relname::text as index, coalesce(i.relpages, 0)::bigint * current_setting('block_size')::bigint as bytes,
       case when f.kind = 'invalid_index' or f.remedy like 'drop index%' then pg_catalog.pg_get_indexdef(i.oid) end as definition,
       coalesce((f.evidence ->> 'unique')::boolean, false) as unique,
       (f.evidence ->> 'needed_bytes')::float8 as needed_bytes,
       exists (select from _wedding_dbopt.action a where a.action_type in ('index_creation', 'index_renewal') and a.state = 'kept'
                 and (a.schema_name, a.object_name) = (n.nspname, i.relname)) as ours,
       array(select a.attname::text from pg_catalog.pg_constraint o
             cross join unnest(o.conkey) with ordinality as k (attnum, place)
             join pg_catalog.pg_attribute a on a.attrelid = o.conrelid and a.attnum = k.attnum
             where o.conrelid = f.relid and o.contype = 'f' and o.conname = f.evidence ->> 'constraint'
             order by k.place) as columns,
       t.relpages + 0.01 * greatest(t.reltuples, 0) as scan_cost,
       coalesce((select sum(d.deleted) from moment m cross join lateral _wedding_dbopt.table_delta(m.since, m.now) d
                 where d.relid = to_regclass(f.evidence ->> 'references')), 0)::float8 as deleted,
       array(select s.id from _wedding_dbopt.statement s
             where f.kind = 'unindexed_foreign_key' and s.kind = 'delete' and f.evidence ->> 'references' = any (s.tables)
             order by s.id) as deleting
from found f
join pg_catalog.pg_class t on t.oid = f.relid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
left join pg_catalog.pg_class i
  on i.oid = case when f.kind <> 'unindexed_foreign_key' then to_regclass(f.object) end and i.relkind = 'i'
where (i.oid is not null or f.kind = 'unindexed_foreign_key' and t.relkind = 'r')
  and not exists (select from _wedding_dbopt.locked_relations() l where l = f.relid)
order by f.kind, f.object
"""
_MS_PER_COST_UNIT = 0.01


class Source(Protocol):
    """Plans statements known by key, also with an index hidden."""

    def explain(self, key: str) -> Any: ...

    def hidden(self, schema: str, index: str) -> AbstractContextManager[None]: ...


def existing_ideas(
    database: Database, relids: Sequence[int] | None, planned: Sequence[IndexDef], hours: float
) -> list[Idea]:
    """What should become of the indexes of these tables (None: of all); `planned` are indexes advised beside them.

    `hours` is the length of the observed window.
    """
    ideas = []
    for row in database.query(_FOUND, ["text[]", "oid[]"], [_KINDS, relids]):
        if row["kind"] == "unindexed_foreign_key":
            ideas += _foreign_key(database, row, planned, hours)
        elif row["kind"] == "invalid_index":
            ideas += _invalid(row, [index for index in planned if index.place == _place(row)])
        elif str(row["remedy"]).startswith("drop"):
            ideas.append(_drop(row))
        else:
            ideas.append(_rebuild(row))
    return ideas


def not_missed(ideas: Sequence[Idea], source: Source, keys: Sequence[str]) -> list[Idea]:
    """The ideas without those drops that a statement would miss: each index is hidden and its statements planned again."""
    kept = []
    before: dict[str, Plan] = {}
    for idea in ideas:
        if idea.kind != "index_drop" or idea.reason.startswith("invalid_index"):
            kept.append(idea)
            continue
        before = before or _plans(source, keys)
        users = {key: plan for key, plan in before.items() if idea.object in plan.indexes_used()}
        with source.hidden(str(idea.schema), str(idea.object)):
            after = _plans(source, list(users))
        worst = max((_ratio(after.get(key), plan) for key, plan in users.items()), default=1.0)
        if worst <= MAX_REGRESSION:
            kept.append(_told(idea, users, after, worst, len(before)))
    return kept


def _ratio(after: Plan | None, before: Plan) -> float:
    return math.inf if after is None else after.total_cost / max(before.total_cost, 1e-9)


def _told(
    idea: Idea, users: Mapping[str, Plan], after: Mapping[str, Plan], worst: float, statements: int
) -> Idea:
    """The idea with what the test showed, in words and as costs."""
    text = f" None of the {statements} heaviest statements is planned with it."
    if users:
        more = f"{max(worst - 1, 0):.1%}"
        text = f" Hidden from the planner, it makes the {len(users)} statements that use it at most {more} dearer."
    costs = {key: (round(plan.total_cost, 2), round(after[key].total_cost, 2)) for key, plan in users.items()}
    benefits = tuple(
        {"statement_id": key, "cost_before": first, "cost_after": last}
        for key, (first, last) in costs.items()
    )
    return replace(idea, reason=idea.reason + text, benefits=benefits, proof="what-if")


def _plans(source: Source, keys: Sequence[str]) -> dict[str, Plan]:
    found = {}
    for key in keys:
        try:
            found[key] = Plan.from_json(source.explain(key))
        except (DboptError, DatabaseError):
            continue  # the search met the same failure and recorded it
    return found


def _invalid(row: Row, planned: Sequence[IndexDef]) -> list[Idea]:
    """One of two: it is rebuilt, or what is advised in its place is made and it is dropped."""
    if any(index.name() == row["index"] for index in planned):
        return []  # what a dead build of this very index left: making it begins with taking that away
    if str(row["remedy"]).startswith("drop"):
        return [_drop(row)]
    made = next((index for index in planned if covers(index, str(row["definition"]))), None)
    if made is None:
        return [_rebuild(row)]
    idea = _drop(row)
    return [replace(idea, reason=f"{idea.reason} The index advised beside this does its work.")]


def _drop(row: Row) -> Idea:
    name = _qualified(row)
    return Idea(
        kind="index_drop",
        sql=(f"DROP INDEX CONCURRENTLY {name}",),
        rollback_sql=(re.sub(r"^(CREATE (?:UNIQUE )?INDEX) ", r"\1 CONCURRENTLY ", str(row["definition"])),),
        estimated_bytes=-int(row["bytes"]),
        # What people made is not dropped without one of them; an index that was never finished serves nobody, unless
        # somebody still means its keys to be unique.
        safety="auto" if row["ours"] or (row["kind"] == "invalid_index" and not row["unique"]) else "consent",
        goal="no harm",
        confidence=1.0 if row["kind"] != "unused_index" else 0.8,
        **_common(row),
    )


def _rebuild(row: Row) -> Idea:
    needed = row["needed_bytes"]
    return Idea(
        kind="reindex",
        sql=(f"REINDEX INDEX CONCURRENTLY {_qualified(row)}",),
        rollback_sql=(),
        goal="no harm",
        estimated_bytes=0 if needed is None else int(needed) - int(row["bytes"]),
        confidence=1.0 if needed is None else 0.7,
        **_common(row),
    )


def _foreign_key(database: Database, row: Row, planned: Sequence[IndexDef], hours: float) -> list[Idea]:
    """An index for the rows that deletes in the referenced table look for, unless one is advised already."""
    columns = [str(column) for column in row["columns"]]
    place = _place(row)
    served = any(
        index.place == place and {key.column for key in index.columns[: len(columns)]} == set(columns)
        for index in planned
    )
    if served or row["deleted"] <= 0 or row["severity"] != "warning":
        return []
    index = IndexDef(*place, tuple(Key(column_term(column)) for column in columns))
    name = free_name(database, index)
    if name is None:
        return []
    gain = float(row["deleted"]) * float(row["scan_cost"]) * _MS_PER_COST_UNIT
    common = {**_common(row), "object": name, "priority": "medium"}
    return [
        Idea(
            kind="index_creation",
            sql=(index.create_sql(name, concurrently=True),),
            rollback_sql=(index.drop_sql(name, concurrently=True),),
            columns=tuple(columns),
            index_type="btree",
            estimated_gain_ms=round(gain / hours, 3),
            benefits=tuple({"statement_id": str(number)} for number in row["deleting"]),
            confidence=0.6,
            # The deletes of a foreign key's trigger are counted with no statement, so no gain can be seen.
            goal="no harm",
            **common,
        )
    ]


def _common(row: Row) -> dict[str, Any]:
    return {
        "object_kind": "index",
        "schema": row["schema"],
        "table": row["table"],
        "object": row["index"],
        "reason": f"{row['kind']}: {row['reason']}",
        "priority": "medium" if row["severity"] == "warning" else "low",
    }


def _place(row: Row) -> tuple[str, str]:
    return str(row["schema"]), str(row["table"])


def _qualified(row: Row) -> str:
    return str(row["object"])
