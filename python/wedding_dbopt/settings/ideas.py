"""Asks every adviser in order and turns what it says into ideas for the tuner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from wedding_dbopt.database import Database
from wedding_dbopt.errors import DboptError, ExecutorUnavailable
from wedding_dbopt.planning import planning_session
from wedding_dbopt.pooler import pooler
from wedding_dbopt.query import Query
from wedding_dbopt.settings import (
    autovacuum,
    checkpoints,
    column_target,
    connection_limits,
    correlated_columns,
    effective_cache_size,
    evidence,
    fillfactor,
    flips,
    grouped_columns,
    io_concurrency,
    io_timing,
    jit,
    log_settings,
    maintenance_work_mem,
    memory_promise,
    number_of_values,
    plan_cache_mode,
    plan_flips,
    pool_size,
    prewarm,
    random_page_cost,
    refresh,
    restart,
    stale_statistics,
    statistics_target,
    table_autovacuum,
    timeouts,
    vacuum,
    work_mem,
)
from wedding_dbopt.settings.advice import Advice, Affected
from wedding_dbopt.settings.column_figures import column_figures
from wedding_dbopt.settings.column_pairs import correlations
from wedding_dbopt.settings.compared_columns import catalog_of
from wedding_dbopt.settings.counted_values import counted_values
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.kept_plans import kept_plans
from wedding_dbopt.settings.plans import Planned, planned, remember, replanned
from wedding_dbopt.tuning.idea import Idea

#: Kinds of ideas the advisers of this package give; plan_flips may also give one of index_creation.
KINDS = (
    "parameter_adjustment",
    "statistics",
    "vacuum",
    "table_setting",
    "cache_optimization",
    "connection_scaling",
)
_WINDOW = """
select r.requested_at::text as until,
       greatest(r.requested_at - _wedding_dbopt.setting_value('workload_window')::interval, last.changed)::text as since,
       (r.requested_at - _wedding_dbopt.setting_value('workload_window')::interval)::text as whole,
       -- A queued run may begin long after it was asked for; one that was called begins at its time.
       (case when r.trigger = 'call' then r.requested_at else greatest(r.requested_at, r.started_at) end)::text as begun
from _wedding_dbopt.tuning_run r
cross join lateral (  -- what was measured before our last change of these kinds says little about now
  select max(a.applied_at) as changed from _wedding_dbopt.action a
  where a.action_type = 'parameter_adjustment' and a.applied_at < r.requested_at
    and a.applied_at < r.requested_at - _wedding_dbopt.setting_value('workload_min_history')::interval) last
where r.id = $1
"""
_WORKLOAD = """
select s.id, coalesce(t.observed_query, t.query) as query, s.userid, coalesce(s.context, 'other') as context,
       coalesce(s.criticality, 'medium') as criticality, w.exec_ms
from _wedding_dbopt.statement_time($1, $2) w
join _wedding_dbopt.statement s on s.id = w.statement_id
join _wedding_dbopt.statement_text t on t.statement_id = s.id
where s.dbid = (select oid from pg_catalog.pg_database where datname = current_database()) and not s.own
  and s.kind in ('select', 'insert', 'update', 'delete', 'merge') and s.tables <> '{}' and w.calls > 0
order by w.exec_ms desc, s.id limit _wedding_dbopt.setting_value('analysis_statements')::integer
"""
_RISK = {"conservative": "low", "moderate": "medium", "aggressive": "high"}
_CONFIDENCE = {"conservative": 0.9, "moderate": 0.7, "aggressive": 0.5}
_SAFETY = {"auto": "auto", "approve": "consent", "recommend": "manual"}
_PRIORITY = {"critical": "high", "high": "high", "medium": "medium", "low": "low"}


def setting_ideas(database: Database, run_id: int) -> Iterator[Idea]:
    """What the advisers say to a run's window."""
    window = database.query(_WINDOW, ["bigint"], [run_id])[0]
    database_name = str(database.query("select current_database() as name")[0]["name"])
    begun = str(window["begun"])
    for advice in advices(database, str(window["since"]), str(window["until"]), str(window["whole"]), begun):
        yield idea(advice, database_name)


def advices(database: Database, since: str, until: str, whole: str, begun: str) -> Iterator[Advice]:
    """All advice, narrow scopes first; one parameter of the whole server or database at a time.

    `since` begins after our last change, `whole` is the whole window of the workload; the plans are those of `begun`.
    """
    server = evidence.server(database, since, until)
    tables = evidence.tables(database, since, until)
    spills = evidence.spills(database, since, until)
    members = _members(database, since, until)
    found: list[Advice] = []
    with planning_session(database, contained=True) as session:
        now = planned(session, members)
        costs = random_page_cost.wanted(server)
        size = effective_cache_size.wanted(server)
        cheaper = replanned(database, session, now, {random_page_cost.NAME: costs}) if costs else []
        kept = kept_plans(database, session, now)
        catalog = catalog_of(database, session, now)
        pairs = correlations(database, session, catalog, now)
        uneven, groupings = column_figures(database, session, catalog, now)
        spilling = {spill.statement.statement_id for spill in spills} - evidence.served_by_an_index(database)
        counted = counted_values(database, session, catalog, now, spilling)
        resized = replanned(database, session, now, {effective_cache_size.NAME: size}) if size else []
    remember(database, now, begun)
    roles = evidence.roles(database, since, until)
    found += chain(
        work_mem.advise(spills, server),
        timeouts.advise(server, roles),
        plan_cache_mode.advise(kept, server),
        jit.advise(server),
        random_page_cost.advise(server, cheaper),
        effective_cache_size.advise(server, resized),
        io_concurrency.advise(server),
        statistics_target.advise(server),
        checkpoints.advise(server),
        autovacuum.advise(server),
        maintenance_work_mem.advise(server),
        io_timing.advise(server),
        memory_promise.advise(server),
        log_settings.advise(server, evidence.events(database, since, until)),
        restart.advise(server),
    )
    yield from one_at_a_time(found)
    cleaned = {table.relid for table, _, _ in vacuum.precondition(server, tables)}  # and analysed with it
    yield from vacuum.advise(server, tables)
    yield from stale_statistics.advise(server, {k: table for k, table in tables.items() if k not in cleaned})
    yield from correlated_columns.advise(pairs)
    yield from column_target.advise(uneven)
    yield from grouped_columns.advise(groupings)
    yield from number_of_values.advise(counted)
    yield from table_autovacuum.advise(server, list(tables.values()))
    yield from fillfactor.advise(server, list(tables.values()))
    yield from plan_flips.advise(flips.histories(database, whole, until))
    yield from _caches(database, server, whole, until)
    yield from _connections(database, until)


def one_at_a_time(found: Iterable[Advice]) -> Iterator[Advice]:
    """Of what changes all sessions and could change plans, only the first may be done by itself in one run.

    Two at once could not be told apart when they are judged; the others wait for a later run.
    """
    taken = False
    for advice in found:
        wide = advice.target.kind in ("system", "database") and advice.parameter not in _BESIDE_PLANS
        if wide and advice.most == "auto":
            if taken:
                yield replace(
                    advice,
                    most="recommend",
                    reason=f"{advice.reason} It waits until an earlier one is judged.",
                )
                continue
            taken = True
        yield advice


#: Parameters whose effect is not in the time of single statements.
_BESIDE_PLANS = (
    "track_io_timing",
    "idle_in_transaction_session_timeout",
    "autovacuum",
    "maintenance_work_mem",
    "autovacuum_vacuum_cost_limit",
)


def _members(database: Database, since: str, until: str) -> list[Planned]:
    members: list[Planned] = []
    for row in database.query(_WORKLOAD, ["timestamptz", "timestamptz"], [since, until]):
        try:
            query = Query.parse(row["query"])
        except DboptError:
            continue  # the adviser of indexes says why
        cost = Affected(int(row["id"]), row["context"], row["criticality"], float(row["exec_ms"]))
        members.append(Planned(cost, query, int(row["userid"])))
    return members


def _caches(database: Database, server: Server, since: str, until: str) -> Iterator[Advice]:
    yield from prewarm.advise(evidence.cache(database, since, until), server)
    cron, scheduled = evidence.cron_jobs(database)
    yield from refresh.advise(evidence.views(database, since, until), server, cron, scheduled)


def _connections(database: Database, until: str) -> Iterator[Advice]:
    figures = evidence.connections(database, until)
    if figures is None:
        return
    yield from connection_limits.advise(figures)
    try:
        pools = pooler(database)
    except ExecutorUnavailable as error:
        database.query(
            """insert into _wedding_dbopt.event (at, actor, subject, subject_id, reason)
               values (clock_timestamp(), _wedding_dbopt.actor(), 'setting', 'pgbouncer_dsn', $1)""",
            ["text"],
            [str(error)],
        )
        return
    if pools is not None:
        yield from pool_size.advise(figures, pools)


def idea(advice: Advice, database: str) -> Idea:
    """Advice in the tuner's form."""
    details = {"evidence": dict(advice.evidence), **advice.details}
    if advice.kind == "parameter_adjustment" and advice.parameter is not None:
        details = {"parameter": advice.parameter, "value": advice.value, **details}
        if advice.target.kind == "role":
            details.setdefault("database", database)
    return Idea(
        kind=advice.kind,
        object_kind=advice.target.kind,
        sql=advice.sql,
        rollback_sql=advice.rollback_sql,
        reason=advice.reason,
        schema=advice.target.schema or None,
        table=advice.target.table,
        object=advice.target.name,
        details=details,
        benefits=tuple({"statement_id": number} for number in advice.statements),
        estimated_gain_ms=advice.gain_ms_per_hour,
        estimated_improvement=advice.gain_percent,
        context=advice.context,
        criticality=advice.criticality,
        priority=_PRIORITY[advice.criticality],
        confidence=_CONFIDENCE[advice.level],
        proof=advice.basis,
        safety=_SAFETY[advice.most],
        risk=_RISK[advice.level],
        season=advice.season,
        goal=advice.goal,
        locks=advice.locks,
    )
