"""The statements that an index search works for: those a caller gives, or the heaviest that were collected."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wedding_dbopt.classify import classify
from wedding_dbopt.database import Database
from wedding_dbopt.errors import DboptError, InvalidArgument
from wedding_dbopt.indexes.explore import LATE
from wedding_dbopt.indexes.workload import Unread, WorkloadStatement
from wedding_dbopt.query import Query
from wedding_dbopt.touched import touched
from wedding_dbopt.tuning.bound_ages import windows, with_window
from wedding_dbopt.tuning.dictionary import Names, rules

_WORKLOAD = """
with moment as (
  -- What was measured before our last change says little about today, once there is enough history behind it.
  select c.now, greatest(c.now - _wedding_dbopt.setting_value('workload_window')::interval,
                         (select max(e.at) from _wedding_dbopt.event e
                          where e.subject = 'action' and e.to_state in ('verifying', 'rolled_back')
                            and e.at < c.now - _wedding_dbopt.setting_value('workload_min_history')::interval)) as since
  from (select clock_timestamp()) as c (now)
), changed as materialized (
  select format('%I.%I', a.schema_name, a.table_name) as name, max(e.at) as at
  from moment m
  join _wedding_dbopt.event e on e.subject = 'action' and e.to_state in ('verifying', 'rolled_back') and e.at > m.since
  join _wedding_dbopt.action a on a.id::text = e.subject_id and a.table_name is not null
  group by 1
), fresh as materialized (
  -- Behind a younger change a call takes what it takes since: what it took before would make a further index look worth it.
  select u.id, sum(u.exec_us) / 1000.0 / sum(u.calls) as mean_ms
  from _wedding_dbopt.statement_sample x
  cross join lateral unnest(x.ids, x.calls, x.exec_us) as u (id, calls, exec_us)
  join (select s.id, max(c.at) as at from changed c join _wedding_dbopt.statement s on s.tables @> array[c.name] group by s.id) t
    on t.id = u.id and x.previous_at >= t.at
  where x.previous_at >= (select min(at) from changed)
  group by u.id
  having sum(u.calls) > 0
)
select s.id, coalesce(t.observed_query, t.query) as query, s.userid, s.context, s.criticality,
       w.calls, coalesce(f.mean_ms, w.exec_ms / w.calls) as mean_ms,
       extract(epoch from m.now - greatest(m.since, (select min(at) from _wedding_dbopt.statement_sample))) as window_s
from moment m
cross join lateral _wedding_dbopt.statement_time(m.since, m.now) w
join _wedding_dbopt.statement s on s.id = w.statement_id
join _wedding_dbopt.statement_text t on t.statement_id = s.id
left join _wedding_dbopt.criticality_weight c on c.criticality = s.criticality
left join fresh f on f.id = s.id
where s.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
  and not s.own and s.kind in ('select', 'insert', 'update', 'delete', 'merge') and s.tables <> '{}' and w.calls > 0
order by w.exec_ms * coalesce(c.weight, 1) desc, s.id
limit _wedding_dbopt.setting_value('analysis_statements')::integer
"""
_LEAST_DAYS = """
select extract(epoch from _wedding_dbopt.setting_value('dated_index_history')::interval)::float8 / 86400 as days
"""


@dataclass(frozen=True)
class Member:
    """A statement of the workload with the role that issued it (None: the caller)."""

    statement: WorkloadStatement
    userid: int | None


def given(
    database: Database,
    queries: Sequence[str],
    weights: Sequence[float] | None,
    late: Callable[[], bool] = lambda: False,
) -> tuple[list[Member], list[Unread], float]:
    """The caller's statements, those that could not be read or only when it was late, and the seconds they stand for."""
    if weights is not None and len(weights) != len(queries):
        raise InvalidArgument(
            "weights and queries must have the same length", hint="Leave weights out for equal ones."
        )
    if any(isinstance(text, list) for text in queries):
        raise InvalidArgument(
            "queries must be an array of one dimension", hint="ARRAY['SELECT ...', 'SELECT ...']"
        )
    if weights is not None and not all(
        isinstance(weight, float) and 0 <= weight < math.inf for weight in weights
    ):
        raise InvalidArgument(
            "weights must be finite numbers, none below zero", hint="Leave weights out for equal ones."
        )
    context_rules = rules(database)
    names = Names(database).of_caller()
    members: list[Member] = []
    unread: list[Unread] = []
    calls = weights if weights is not None else [1.0] * len(queries)
    for number in sorted(range(len(queries)), key=lambda number: -calls[number]):
        key = str(number + 1)
        if late():
            unread.append(Unread(key, LATE))
            continue
        try:
            query = Query.parse(queries[number] or "")
            found = classify(touched(query), context_rules, names)
        except DboptError as error:
            unread.append(Unread(key, str(error), error.sqlstate, hint=error.hint))
            continue
        statement = WorkloadStatement(key, query, calls[number], 0.0, found.criticality, found.context)
        members.append(Member(statement, None))
    return members, unread, 86400.0


def collected(database: Database) -> tuple[list[Member], list[Unread], float]:
    members: list[Member] = []
    unread: list[Unread] = []
    window = 0.0
    for row in database.query(_WORKLOAD):
        window = float(row["window_s"])
        try:
            query = Query.parse(row["query"])
        except DboptError as error:
            unread.append(Unread.failed(str(row["id"]), error))
            continue
        statement = WorkloadStatement(
            str(row["id"]),
            query,
            float(row["calls"]),
            float(row["mean_ms"]),
            row["criticality"],
            row["context"],
        )
        members.append(Member(statement, int(row["userid"])))
    return members, unread, max(window, 1.0)


def with_windows(database: Database, members: Sequence[Member], at: datetime) -> list[Member]:
    """The members with the dates that followed the clock up to a moment, as the application wrote them."""
    keys = [int(member.statement.key) for member in members]
    known = windows(database, keys, at, least_days(database))
    return [
        replace(
            member,
            statement=with_window(member.statement, known.get(int(member.statement.key), {}), at),
        )
        for member in members
    ]


def least_days(database: Database) -> float:
    """For so many days dates must have followed the clock."""
    return float(database.query(_LEAST_DAYS)[0]["days"])
