"""Index recommendations for a workload: the statements a caller gives, or what was collected."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import chain
from typing import Any

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.database import Database, Row
from wedding_dbopt.errors import DboptError, InvalidArgument, NotPermitted
from wedding_dbopt.indexes.advise import Advice, advise
from wedding_dbopt.indexes.dated import Dating
from wedding_dbopt.indexes.explore import LATE, heaviest_first
from wedding_dbopt.indexes.limits import Limits
from wedding_dbopt.indexes.recommendation import Recommendation, as_row
from wedding_dbopt.indexes.sample import Sampler
from wedding_dbopt.indexes.timeline import Timelines
from wedding_dbopt.indexes.workload import Unread
from wedding_dbopt.planning import planning_session
from wedding_dbopt.query import Query, Table
from wedding_dbopt.rewrite.choice import for_index
from wedding_dbopt.rewrite.engine import LONGEST_TEXT
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.tuning.deeds.partitioned_index import statements
from wedding_dbopt.tuning.existing import existing_ideas, not_missed
from wedding_dbopt.tuning.idea import Idea
from wedding_dbopt.tuning.index_settings import judged_by
from wedding_dbopt.tuning.members import Member, collected, given, least_days, with_windows
from wedding_dbopt.tuning.names import named
from wedding_dbopt.tuning.remembered import remembered
from wedding_dbopt.tuning.renewals import renewal_ideas
from wedding_dbopt.tuning.run_event import note_run
from wedding_dbopt.tuning.stored_vectors import stored_ideas
from wedding_dbopt.tuning.time_budget import Clock, TimeBudget, attentive
from wedding_dbopt.tuning.workload_source import WorkloadSource
from wedding_dbopt.tuning.write_rates import writes

#: So much of the time is gone when the statements are parsed, planned as they are, and searched for.
_PARSING_SHARE, _PLANNING_SHARE, _SEARCHING_SHARE = 0.1, 0.25, 0.95
#: So many statements without advice are told one by one.
_MOST_TOLD = 20
#: A queued run may begin long after it was asked for; one that was called begins at its time.
_BEGUN = """
select extract(epoch from case when trigger = 'call' then requested_at else greatest(requested_at, started_at) end)::float8 as at
from _wedding_dbopt.tuning_run where id = $1
"""


def recommend(
    database: Database,
    queries: Sequence[str] | None,
    weights: Sequence[float] | None,
    storage_budget: int | None,
    time_budget: str,
    max_width: int,
    include_existing: bool,
    clock: Clock = time.monotonic,
) -> list[Row]:
    """Rows of recommend_indexes(); `time_budget` is an interval's text. Raises InvalidArgument, NotPermitted."""
    limit = TimeBudget(attentive(database, clock), _seconds(database, time_budget))
    if max_width is None or not 1 <= max_width <= 8:
        raise InvalidArgument("max_width must lie between 1 and 8", hint="3 is the default.")
    at = datetime.now(timezone.utc)
    if queries is not None:
        members, unread, window = given(database, queries, weights, lambda: limit.is_over(_PARSING_SHARE))
    else:
        require_superuser(database)
        members, unread, window = collected(database)
        members = with_windows(database, members, at)
    advice, catalog = _search(database, members, unread, window, storage_budget, limit, max_width, at)
    if queries is not None:
        _tell_skipped(database, advice)
    for text in advice.left_out:
        database.warn(text)
    if queries is not None:
        others = _other_texts(database, members, advice, catalog, limit)
        rest = TimeBudget(limit.clock, max(limit.end() - limit.clock(), 0.0))
        asked = (window, storage_budget, rest, max_width, at)
        for item in _search(database, others, [], *asked)[0].recommendations:
            for text in _served(item, others):
                database.warn(text)
    rows = [shown(database, item) for item in advice.recommendations]
    rows += [_row_of(idea) for idea in stored_ideas(database, members, catalog, limit, with_texts=True)]
    if include_existing:
        relids = [relation.oid for relation in catalog.relations()]
        planned = [item.index for item in advice.recommendations]
        ideas = existing_ideas(database, relids, planned, window / 3600)
        rows += [_row_of(idea) for idea in (_tested(database, members, ideas) if queries is None else ideas)]
    return rows


def _other_texts(
    database: Database, members: Sequence[Member], advice: Advice, catalog: Catalog, limit: TimeBudget
) -> list[Member]:
    """The statements without advice in a text with the same rows that an index may serve better, as far as time allows."""
    done = {key for item in advice.recommendations for key, _, _ in item.benefits}
    done |= {key for key, _ in advice.skipped}
    found = []
    with planning_session(database) as session:
        for member in members:
            query = member.statement.query
            if limit.is_over():
                break
            if member.statement.key in done or len(query.text) > LONGEST_TEXT:
                continue
            facts = Facts.load(database, catalog, session.search_path(member.userid), query.text)
            form = for_index(query, facts, "moderate")
            if form.steps:
                statement = replace(member.statement, query=Query.parse(form.text))
                found.append(replace(member, statement=statement))
    return found


def _served(item: Recommendation, others: Sequence[Member]) -> Iterator[str]:
    """Which statements an index would serve if they were written otherwise."""
    texts = {member.statement.key: member.statement.query.text for member in others}
    for key, before, after in item.benefits:
        yield (
            f"queries[{key}] gets no index as it is written. With the text {texts[key]}, which returns the same rows, "
            f"and {item.create_sql} the planner's cost falls from {before:,.1f} to {after:,.1f}."
        )


def _tell_skipped(database: Database, advice: Advice) -> None:
    """Which of the caller's statements got no advice, or not all of it, and why: the first of them each by itself."""
    unproven = list(dict.fromkeys(advice.unproven))
    for key, reason in unproven[:_MOST_TOLD]:
        database.warn(f"queries[{key}]: {reason}")
    if unproven[_MOST_TOLD:]:
        database.warn(f"{len(unproven) - _MOST_TOLD} more search indexes are left out")
    ordered = sorted(advice.unread, key=lambda item: int(item.key))
    for item in ordered[:_MOST_TOLD]:
        text = f"queries[{item.key}] is left out: {item.reason}"
        database.warn(text, sqlstate=item.sqlstate, detail=item.detail, hint=item.hint)
    more = [int(item.key) for item in ordered[_MOST_TOLD:]]
    if more:
        database.warn(f"{len(more)} more are left out, from queries[{more[0]}] to queries[{more[-1]}]")


def index_ideas(database: Database, run_id: int, clock: Clock = time.monotonic) -> list[Idea]:
    """What the collected workload asks for: indexes to make, and existing ones not worth keeping."""
    seconds = _seconds(database, str(_setting(database, "analysis_time_limit")))
    limit = TimeBudget(attentive(database, clock), seconds)
    begun = datetime.fromtimestamp(database.query(_BEGUN, ["bigint"], [run_id])[0]["at"], timezone.utc)
    members, unread, window = collected(database)
    members = with_windows(database, members, begun)
    budget, taken = _storage_budget(database, members)
    if taken:
        used = f"indexes of earlier runs take {taken / 1e6:,.1f} of the {budget / 1e6:,.1f} MB that index_storage_budget allows"
        note_run(database, run_id, "running", used)
    left = max(budget - taken, 0)
    advice, catalog = _search(database, members, unread, window, left, limit, 3, begun, contained=True)
    hours = max(window / 3600, 1 / 60)
    for text in advice.left_out:
        note_run(database, run_id, "running", text)
    database.query(
        """update _wedding_dbopt.tuning_run
           set statements_considered = $2, statements_skipped = $3, explain_calls = $4 where id = $1""",
        ["bigint", "integer", "jsonb", "integer"],
        [run_id, len(members), json.dumps([list(entry) for entry in advice.skipped]), advice.explain_calls],
    )
    new = [_idea(as_row(item), hours) for item in advice.recommendations]
    planned = [item.index for item in advice.recommendations]
    new += stored_ideas(database, members, catalog, limit, with_texts=False, contained=True)
    renewed = list(renewal_ideas(database, begun, least_days(database)))
    existing = existing_ideas(database, None, planned, hours)
    return new + renewed + _tested(database, members, existing, contained=True)


def shown(database: Database, item: Recommendation) -> Row:
    """A recommendation with the names of the SQL result; that of a partitioned table is made part by part."""
    row = as_row(item)
    create, drop = statements(database, row)
    return {**row, "implementation_sql": ";\n".join(create), "rollback_sql": ";\n".join(drop)}


def _tested(
    database: Database, members: Sequence[Member], ideas: Sequence[Idea], *, contained: bool = False
) -> list[Idea]:
    with planning_session(database, contained=contained) as session:
        source = WorkloadSource(session, members)
        return not_missed(ideas, source, [member.statement.key for member in members])


def _row_of(idea: Idea) -> Row:
    """An idea about an index that is there, with the names of the SQL result."""
    return {
        "schema_name": idea.schema,
        "table_name": idea.table,
        "columns": list(idea.columns),
        "index_type": idea.index_type,
        "index_name": idea.object,
        "where_clause": None,
        "implementation_sql": ";\n".join(idea.sql),
        "rollback_sql": ";\n".join(idea.rollback_sql),
        "estimated_bytes": idea.estimated_bytes,
        "estimated_improvement": idea.estimated_improvement or 0.0,
        "estimated_gain_ms": idea.estimated_gain_ms or 0.0,
        "write_cost": 0.0,
        "wedding_context": idea.context,
        "criticality": idea.criticality,
        "priority": idea.priority,
        "confidence": idea.confidence,
        "proof": idea.proof,
        "benefits": json.dumps(list(idea.benefits)),
        "reason": idea.reason,
        "include_columns": [],
        "kind": idea.kind,
    }


def _idea(row: Row, hours: float) -> Idea:
    return Idea(
        kind="index_creation",
        object_kind="index",
        schema=row["schema_name"],
        table=row["table_name"],
        object=row["index_name"],
        sql=(row["implementation_sql"],),
        rollback_sql=(row["rollback_sql"],),
        reason=row["reason"],
        columns=tuple(row["columns"]),
        index_type=row["index_type"],
        where_clause=row["where_clause"],
        benefits=tuple(json.loads(row["benefits"])),
        estimated_bytes=row["estimated_bytes"],
        estimated_gain_ms=round(float(row["estimated_gain_ms"]) / hours, 3),
        estimated_improvement=row["estimated_improvement"],
        write_cost=row["write_cost"],
        context=row["wedding_context"],
        criticality=row["criticality"],
        priority=row["priority"],
        confidence=row["confidence"],
        proof=row["proof"],
        details=row["details"],
    )


def _search(
    database: Database,
    members: Sequence[Member],
    unread: Sequence[Unread],
    window: float,
    storage_budget: int | None,
    limit: TimeBudget,
    max_width: int,
    at: datetime,
    *,
    contained: bool = False,
) -> tuple[Advice, Catalog]:
    """Advice before the time is over, for the heaviest statements where it does not reach for all.

    `contained` as in `planning_session`.
    """
    with planning_session(database, contained=contained) as session:
        source = WorkloadSource(session, members)
        written = writes(database, window)
        planned: list[Member] = []
        unread = list(unread)
        tables: dict[Table, None] = {}
        for member in sorted(members, key=lambda member: heaviest_first(member.statement)):
            key = member.statement.key
            if limit.is_over(_PLANNING_SHARE):
                unread.append(Unread(key, LATE))
                continue
            try:
                tables |= dict.fromkeys(source.tables(key))
                planned.append(member)
            except (DboptError, ValueError) as error:
                unread.append(Unread.failed(key, error))
        if not planned:
            return Advice((), tuple(unread), 0), Catalog((), ())
        paths = [session.search_path(userid) for userid in {member.userid: None for member in planned}]
        catalog = Catalog.load(database, list(tables), list(dict.fromkeys(chain.from_iterable(paths))))
        sampler = Sampler(database, session.reader)
        advice = advise(
            [member.statement for member in planned],
            catalog,
            source,
            storage_budget=2**62 if storage_budget is None else storage_budget,
            deadline=limit.end(_SEARCHING_SHARE),
            clock=limit.clock,
            max_width=max_width,
            writes=written.rates,
            window_seconds=window,
            prove=sampler.prove,
            measure=sampler.measure,
            vary=source.vary,
            represent=lambda key: source.with_constants(key, catalog),
            dating=Dating(at, Timelines(database)),
            limits=Limits(
                int(_setting(database, "new_indexes_per_run")), int(_setting(database, "indexes_per_table"))
            ),
            **judged_by(database),
        )
    free = tuple(remembered(database, written.told(named(database, advice.recommendations))))
    return replace(advice, recommendations=free, unread=(*unread, *advice.unread)), catalog


def _storage_budget(database: Database, members: Sequence[Member]) -> tuple[int, int]:
    """The setting's share of the size of the tables that the workload touches, and what our indexes on them take, in bytes."""
    ids = [int(member.statement.key) for member in members]
    row = database.query(
        """with touched as (
             select distinct unnest(s.tables) as name from _wedding_dbopt.statement s where s.id = any ($1)
           )
           select (select coalesce(sum(t.pages), 0)::bigint * current_setting('block_size')::bigint
                   from pg_catalog.pg_class c
                   join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                   cross join lateral (
                     select greatest(c.relpages, 0) as pages
                     union all
                     select l.relpages from pg_catalog.pg_partition_tree(case when c.relkind = 'p' then c.oid end) p
                     join pg_catalog.pg_class l on l.oid = p.relid and p.isleaf) t
                   where format('%I.%I', n.nspname, c.relname) in (select name from touched)) as bytes,
                  (select coalesce(sum(o.bytes), 0)::bigint from (
                     select max(coalesce(a.measured_bytes, a.estimated_bytes)) as bytes
                     from _wedding_dbopt.action a
                     where a.action_type in ('index_creation', 'index_renewal') and a.state in ('applying', 'verifying', 'kept')
                       and format('%I.%I', a.schema_name, a.table_name) in (select name from touched)
                     group by a.schema_name, a.object_name
                     having bool_or(a.state = 'applying')
                         or pg_catalog.to_regclass(format('%I.%I', a.schema_name, a.object_name)) is not null) o) as taken""",
        ["integer[]"],
        [ids],
    )[0]
    share = float(str(_setting(database, "index_storage_budget")))
    return int(int(row["bytes"]) * share), int(row["taken"])


# ---------------------------------------------------------------------- small readings


def _setting(database: Database, name: str) -> Any:
    return database.query("select _wedding_dbopt.setting_value($1) as value", ["text"], [name])[0]["value"]


def _seconds(database: Database, interval: str | None) -> float:
    if interval is None:
        raise InvalidArgument("time_budget is required", hint="For example '30 s'.")
    seconds = float(
        database.query("select extract(epoch from $1::interval) as s", ["text"], [interval])[0]["s"]
    )
    if seconds <= 0:
        raise InvalidArgument("time_budget must be positive", hint="For example '30 s'.")
    return seconds


def require_superuser(database: Database) -> None:
    if not database.query("select rolsuper from pg_catalog.pg_roles where rolname = current_user")[0][
        "rolsuper"
    ]:
        raise NotPermitted(
            "Only a superuser can analyse the collected workload, because it plans other roles' statements",
            hint="Pass your own statements in queries, or read get_recommendations().",
        )
