"""Readiness runs: reads what was measured and forecast, plans the statements anew, and stores what would break first."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from wedding_dbopt.database import Database, DatabaseError, Row
from wedding_dbopt.errors import ActionFailed, DboptError
from wedding_dbopt.plan import Plan
from wedding_dbopt.planning import planning_session
from wedding_dbopt.query import Query
from wedding_dbopt.season.readiness import Break, Machine, Model, Scenario, State, Statement
from wedding_dbopt.tuning.executor import Executor
from wedding_dbopt.tuning.switch import enabled

PLANNED = 40  # statements, by their time in the busiest minutes
SHOWN = 15

_MEASURED = """
select w.since::text as since, w.until::text as until, w.seconds, w.calls_per_second, u.cpu, u.cpus, d.cpu_idle, u.usable,
       u.connections, round(u.busy, 2) as busy
from _wedding_dbopt.busiest_window($1) w
cross join lateral _wedding_dbopt.capacity_use(w.since, w.until) u
cross join lateral _wedding_dbopt.capacity_use($1 - interval '24 hours', $1) d
"""
_STATEMENTS = """
select w.statement_id, w.queryid::text as queryid, w.context, w.criticality, w.calls, w.exec_ms / w.calls as mean,
       sqrt(greatest(w.exec_sq / w.calls - (w.exec_ms / w.calls) ^ 2, 0)) as deviation, s.userid::bigint as userid,
       coalesce(t.observed_query, t.query) as query
from _wedding_dbopt.workload_time($1, $2, true) w
join _wedding_dbopt.statement s on s.id = w.statement_id
left join _wedding_dbopt.statement_text t on t.statement_id = w.statement_id
order by w.exec_ms desc
"""
_FORECAST = """
select f.* from _wedding_dbopt.season_forecast($1, $2, $3) f
"""
#: What is not in the figures of the busiest minutes: what may still be done, and what was done since.
_ADVICE = """
select r.id, r.kind, to_jsonb(r.sql)::text as sql, r.reason, r.context, r.benefits::text as benefits, d.done
from _wedding_dbopt.recommendation r
cross join lateral (
  select coalesce(bool_or(a.state in ('verifying', 'kept') and a.applied_at > $1), false) as done,
         coalesce(bool_or(a.state in ('proposed', 'approved', 'applying')), false) as waiting
  from _wedding_dbopt.action a where a.recommendation_id = r.id
) d
where (r.status = 'open' or d.waiting or d.done) and r.kind <> 'index_drop'
order by r.estimated_gain_ms desc nulls last
"""


def process_queued(database: Database, at: str) -> None:
    """Carry out what is queued, each in a session of its own, which the kill switch can end."""
    for row in database.query("select id from _wedding_dbopt.readiness where state = 'queued' order by id"):
        database.commit()
        if not enabled(database):
            return
        call = database.query(
            "select format('select _wedding_dbopt.readiness_in_python(%s, %L)', $1, $2::timestamptz) as sql",
            ["bigint", "text"],
            [row["id"], at],
        )[0]["sql"]
        database.commit()
        try:
            with Executor(database) as executor:
                executor.run(str(call), lambda: _go_on(database))
        except DboptError as error:
            sqlstate = error.server_sqlstate if isinstance(error, ActionFailed) else error.sqlstate
            database.query(
                """update _wedding_dbopt.readiness
                   set state = 'failed', finished_at = clock_timestamp(), error = $2, error_sqlstate = $3
                   where id = $1""",
                ["bigint", "text", "text"],
                [row["id"], str(error), sqlstate],
            )
        database.commit()


def _go_on(database: Database) -> bool:
    answer = enabled(database)
    database.commit()
    return answer


def compute(database: Database, readiness_id: int, at: str) -> str:
    """Compute one run and store its result; what breaks first, in words."""
    season = database.query(
        """select s.name, s.starts_at::text as starts_at, s.ends_at::text as ends_at, s.on_now
           from _wedding_dbopt.readiness r join _wedding_dbopt.seasons_ahead($2) s on s.name = r.season where r.id = $1""",
        ["bigint", "timestamptz"],
        [readiness_id, at],
    )[0]
    measured = database.query(_MEASURED, ["timestamptz"], [at])
    result: dict[str, Any] = {"at": at, "season_now": season, "scenarios": [], "statements": [], "notes": []}
    if not measured or measured[0]["cpus"] is None:
        result["notes"].append("no load was measured in the last day, so nothing can be said")
        result["breaks_first"] = None
    else:
        _fill(database, result, season, measured[0], at)
    database.query(
        """update _wedding_dbopt.readiness set state = 'finished', finished_at = clock_timestamp(), result = $2 where id = $1""",
        ["bigint", "jsonb"],
        [readiness_id, json.dumps(result)],
    )
    return str((result["breaks_first"] or {}).get("reason", "nothing breaks"))


def _fill(database: Database, result: dict[str, Any], season: Row, measured: Row, at: str) -> None:
    rows = database.query(_STATEMENTS, ["timestamptz"] * 2, [measured["since"], measured["until"]])
    advice = database.query(_ADVICE, ["timestamptz"], [measured["until"]])
    done = sum(bool(row["done"]) for row in advice)
    if done:
        result["notes"].append(
            f"changes made after these minutes, whose savings are counted with the recommendations: {done}"
        )
    mended = _mended(advice)
    scanning = _scanning(database, rows[:PLANNED], result["notes"])
    statements = [
        Statement(
            str(row["statement_id"]),
            row["context"],
            float(row["calls"]) / float(measured["seconds"]),
            float(row["mean"]),
            float(row["deviation"]),
            scanning.get(int(row["statement_id"]), 0.0),
            mended.get(int(row["statement_id"]), 1.0),
        )
        for row in rows
    ]
    cpus = float(measured["cpus"])
    at_rest = float(measured["cpu_idle"] or 0) / 100 * cpus
    machine = Machine(cpus, at_rest, max(at_rest, float(measured["cpu"] or 0) / 100 * cpus))
    objectives = {
        row["context"]: float(row["latency_ms"])
        for row in database.query("select context, latency_ms from _wedding_dbopt.objective")
    }
    usable = None if measured["usable"] is None else float(measured["usable"])
    result["measured"] = {
        "since": measured["since"],
        "until": measured["until"],
        "calls_per_minute": round(60 * float(measured["calls_per_second"]), 1),
        "cpu_percent": _number(measured["cpu"]),
        "cpu_percent_at_rest": _number(measured["cpu_idle"]),
        "cpus": cpus,
        "busy_sessions": _number(measured["busy"]),
        "connections": measured["connections"],
        "usable_connections": measured["usable"],
    }
    for scenario, basis in _scenarios(database, season, measured, at):
        today = Model(statements, machine, scenario, objectives)
        then = Model(statements, machine, scenario, objectives, with_actions=True)
        result["scenarios"].append(_shown(today, then, basis, usable))
    result["breaks_first"] = next(
        (shown["breaks_first"] for shown in result["scenarios"] if shown["name"] == "season"), None
    )
    first = result["scenarios"][0]
    result["statements"] = _heaviest(rows, statements, first["factor"], machine)
    result["proposals"] = _proposals(database, advice, first, cpus, at)


def _scenarios(
    database: Database, season: Row, measured: Row, at: str
) -> list[tuple[Scenario, dict[str, Any]]]:
    """The season, its surge and the coming weeks, as multiples of the busiest minutes of the last day."""
    found: dict[str, dict[str, float]] = {}
    basis: dict[str, dict[str, Any]] = {}
    growth: dict[str, float] = {}
    for row in database.query(
        _FORECAST, ["text", "timestamptz", "timestamptz"], [season["name"], at, measured["until"]]
    ):
        found.setdefault(row["scenario"], {})[row["context"]] = float(row["factor"])
        growth[row["scenario"]] = float(row["table_growth"])
        if row["context"] == "all":
            basis[row["scenario"]] = {"basis": row["basis"]}
    return [
        (Scenario(name, found[name], growth[name]), basis[name])
        for name in ("season", "surge", "coming_weeks")
        if name in found
    ]


def _mended(advice: Sequence[Row]) -> dict[int, float]:
    """What the recommendations leave of each statement's cost."""
    left: dict[int, float] = {}
    for row in advice:
        for benefit in json.loads(row["benefits"]):
            if benefit.get("cost_before"):
                key = int(benefit["statement_id"])
                ratio = float(benefit["cost_after"]) / float(benefit["cost_before"])
                left[key] = min(left.get(key, 1.0), max(ratio, 0.01))
    return left


def _scanning(database: Database, rows: Sequence[Row], notes: list[str]) -> dict[int, float]:
    """The share of each statement's planned cost that reads whole tables, planned anew as its own role."""
    found: dict[int, float] = {}
    refused = 0
    with planning_session(database, contained=True) as session:
        for row in rows:
            try:
                query = Query.parse(row["query"] or "")
                plan = Plan.from_json(session.explain(query, int(row["userid"])))
            except (DboptError, DatabaseError, ValueError):
                refused += 1
                continue
            if plan.total_cost > 0:
                whole = sum(
                    visit.node.total_cost * visit.executions * visit.share
                    for visit in plan.visits()
                    if visit.node.type == "Seq Scan"
                )
                found[int(row["statement_id"])] = min(1.0, whole / plan.total_cost)
    if refused:
        notes.append(
            f"{refused} of {len(rows)} statements could not be planned anew; their cost is taken as fixed"
        )
    return found


# ---------------------------------------------------------------------- the result


def _shown(today: Model, then: Model, basis: Mapping[str, Any], usable: float | None) -> dict[str, Any]:
    state, mended = today.at(today.whole), then.at(then.whole)
    found, later = today.breaks(usable), then.breaks(usable)
    breaks = [_broken(one) for one in found]
    return {
        "name": today.scenario.name,
        **basis,
        "factor": round(today.whole, 2),
        "factors": {context: round(value, 2) for context, value in today.scenario.factors.items()},
        "table_growth": round(today.scenario.growth, 3),
        "ready": not found or found[0].factor > today.whole,
        "utilisation_percent": round(100 * state.utilisation, 1),
        "sessions": _finite(state.sessions),
        "contexts": _contexts(today, state),
        "breaks_first": breaks[0] if breaks else None,
        "breaks": breaks,
        "with_recommendations": {
            "ready": not later or later[0].factor > then.whole,
            "utilisation_percent": round(100 * mended.utilisation, 1),
            "contexts": _contexts(then, mended),
            "breaks_first": _broken(later[0]) if later else None,
        },
    }


def _broken(one: Break) -> dict[str, Any]:
    return {"what": one.what, "at_factor": round(one.factor, 2), "reason": one.reason}


def _contexts(model: Model, state: State) -> dict[str, Any]:
    return {
        context: {
            "p95_ms": _finite(p95),
            "objective_ms": model.objectives[context],
            "met": p95 <= model.objectives[context],
        }
        for context, p95 in state.p95.items()
    }


def _heaviest(
    rows: Sequence[Row], statements: Sequence[Statement], factor: float, machine: Machine
) -> list[dict[str, Any]]:
    by_key = {one.key: one for one in statements}
    whole = sum(one.rate * one.mean for one in statements) or 1.0
    return [
        {
            "queryid": row["queryid"],
            "context": row["context"],
            "criticality": row["criticality"],
            "mean_ms": round(float(row["mean"]), 3),
            "calls_per_minute": round(60 * by_key[str(row["statement_id"])].rate, 1),
            "calls_per_minute_then": round(60 * by_key[str(row["statement_id"])].rate * factor, 1),
            "share_of_time_percent": round(
                100 * by_key[str(row["statement_id"])].rate * float(row["mean"]) / whole, 1
            ),
            "grows_with_tables_percent": round(100 * by_key[str(row["statement_id"])].scanning, 1),
            "mean_ms_with_recommendations": round(
                float(row["mean"]) * by_key[str(row["statement_id"])].mended, 3
            ),
        }
        for row in rows[:SHOWN]
    ]


def _proposals(
    database: Database, advice: Sequence[Row], first: Mapping[str, Any], cpus: float, at: str
) -> list[dict[str, Any]]:
    proposals: list[dict[str, Any]] = [
        {
            "kind": row["kind"],
            "recommendation_id": row["id"],
            "context": row["context"],
            "sql": json.loads(row["sql"]),
            "reason": row["reason"],
        }
        for row in advice
        if not row["done"]
    ]
    left = float(first["with_recommendations"]["utilisation_percent"])
    if left > 90:
        needed = math.ceil(cpus * left / 90)
        reason = f"with all recommendations the season still needs {left:.0f} % of {cpus:g} CPUs"
        proposals.append({"kind": "cpus", "needed": needed, "reason": reason})
    for row in database.query(
        """select e.value ->> 'resource' as resource, e.value ->> 'ends_at' as ends_at,
                  (e.value ->> 'ends_at_factor')::float8 as factor
           from jsonb_array_elements(wedding_dbopt.get_capacity($1) -> 'resources') e
           where (e.value ->> 'ends_at_factor')::float8 < $2 or e.value ->> 'ends_at' is not null""",
        ["timestamptz", "float8"],
        [at, first["factor"]],
    ):
        if row["resource"] != "cpu":
            when = f"at {row['factor']:.1f} times today's load" if row["factor"] else f"on {row['ends_at']}"
            proposals.append(
                {
                    "kind": "capacity",
                    "resource": row["resource"],
                    "reason": f"{row['resource']} ends {when}; get_capacity() has the figures",
                }
            )
    return proposals


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _finite(value: float) -> float | None:
    """Infinity is no JSON: null stands for a queue without end."""
    return None if math.isinf(value) else round(value, 2)
