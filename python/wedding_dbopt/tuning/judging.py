"""Judging an applied action: its samples are read, judged, and the judgement is stored; the caller acts on it.

A look costs a part of the allowed error, so an action is looked at only when there is new data and it is due. The guard of
what acts on a whole role, database or server looks each time.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.comparison import Slice
from wedding_dbopt.tuning.guard import GUARDED, GuardFigures, harm
from wedding_dbopt.tuning.judgement import Judgement, Rules, Sample, StatementVerdict
from wedding_dbopt.tuning.looks import due
from wedding_dbopt.tuning.verify import judge

_STORE = """
insert into _wedding_dbopt.verification
  (action_id, statement_id, role, judged_at, before_calls, before_ms, before_sd_ms, before_blocks, before_wal,
   after_calls, after_ms, after_sd_ms, after_blocks, after_wal, time_change, time_low, time_high, blocks_change, p_value, verdict)
select $1, v.* from jsonb_to_recordset($2) as v(
   statement_id integer, role text, judged_at timestamptz, before_calls bigint, before_ms float8, before_sd_ms float8,
   before_blocks float8, before_wal float8, after_calls bigint, after_ms float8, after_sd_ms float8, after_blocks float8,
   after_wal float8, time_change float8, time_low float8, time_high float8, blocks_change float8, p_value float8, verdict text)
"""


def judge_action(database: Database, action: Row, at: str | None) -> Judgement:
    """The judgement of an action that is applied, stored with its figures; `at` is the moment of judging (None: now)."""
    moment = database.query(
        "select coalesce($1::timestamptz, clock_timestamp())::text as moment", ["timestamptz"], [at]
    )[0]["moment"]
    harmed = _harm(database, action, moment)
    if harmed is not None:
        return _concluded("rolled_back", harmed)
    row = database.query(
        "select * from _wedding_dbopt.verification_rules($1, $2)",
        ["bigint", "timestamptz"],
        [action["id"], moment],
    )[0]
    rules = Rules(
        age_s=float(row["age_s"]),
        look=int(row["looks"]) + 1,
        min_calls=int(row["min_calls"]),
        evidence=str(row["evidence"]),
        goal=str(row["goal"]),
        uses=None if row["uses"] is None else int(row["uses"]),
        **{name: float(row[name]) for name in _BOUNDS},
    )
    last = rules.age_s >= rules.max_window_s
    if not last and not (row["new_data"] and due(rules.age_s, int(row["looks"]), float(row["last_age_s"]))):
        return _concluded("undecided", "the next look is not due yet")
    judgement = judge(_samples(database, action, moment), rules)
    _store(database, action, judgement, moment)
    return judgement


_GUARD = (
    "ratio",
    "others_ratio",
    "per_second_before",
    "per_second_after",
    "active_before",
    "active_after",
    "memory_before",
    "memory_after",
)
_BOUNDS = ("min_window_s", "max_window_s", "min_gain", "regression", "critical_regression")


def _concluded(verdict: str, reason: str) -> Judgement:
    """A verdict without a look at the statements."""
    return Judgement(verdict, reason, None, None, 1.0, 0, False, reason, ())


def _harm(database: Database, action: Row, moment: str) -> str | None:
    """Why the guard takes the action back at once, if it does."""
    if (action["action_type"], action["object_kind"]) not in GUARDED:
        return None
    row = database.query(
        "select * from _wedding_dbopt.guard_figures($1, $2)",
        ["bigint", "timestamptz"],
        [action["id"], moment],
    )[0]
    measured = [None if row[name] is None else float(row[name]) for name in _GUARD]
    calls = int(row["calls_before"] or 0), int(row["calls_after"] or 0)
    return harm(GuardFigures(*calls, *measured))


def _samples(database: Database, action: Row, moment: str) -> list[Sample]:
    arguments: tuple[list[str], list[Any]] = (["bigint", "timestamptz"], [action["id"], moment])
    rows = database.query("select * from _wedding_dbopt.verification_slices($1, $2)", *arguments)
    slices = {
        key: tuple(
            Slice(
                float(row["begun_s"]),
                int(row["hour"]),
                int(row["calls"]),
                float(row["exec_ms"]),
                float(row["exec_sq"]),
                float(row["blocks"]),
                float(row["wal_bytes"]),
            )
            for row in of_side
        )
        for key, of_side in groupby(rows, key=lambda row: (int(row["statement_id"]), bool(row["after"])))
    }
    return [
        Sample(
            int(row["statement_id"]),
            str(row["role"]),
            slices.get((int(row["statement_id"]), False), ()),
            slices.get((int(row["statement_id"]), True), ()),
            float(row["weight"]),
            None if row["objective_ms"] is None else float(row["objective_ms"]),
            bool(row["critical"]),
        )
        for row in database.query("select * from _wedding_dbopt.verification_subjects($1, $2)", *arguments)
    ]


def _store(database: Database, action: Row, judgement: Judgement, moment: str) -> None:
    database.query("delete from _wedding_dbopt.verification where action_id = $1", ["bigint"], [action["id"]])
    rows = [_figures(verdict, moment) for verdict in judgement.statements]
    database.query(_STORE, ["bigint", "jsonb"], [action["id"], json.dumps(rows)])
    time, blocks = judgement.time, judgement.blocks
    basis = {
        "gain_p_value": time and time.p_value,
        "calls": time and time.calls,
        "blocks_gain_percent": blocks and _percent(blocks.gain),
        "blocks_low_percent": blocks and _percent(blocks.low),
        "blocks_high_percent": blocks and _percent(blocks.high),
        "blocks_p_value": blocks and blocks.p_value,
        "drift": round(judgement.drift, 4),
        "control_statements": judgement.controls,
        "same_hours": judgement.same_hours,
        "missing": judgement.missing,
    }
    database.query(
        """update _wedding_dbopt.action
           set measured_impact = $2, impact_low = $3, impact_high = $4, verdict = $5, judgement = $6,
               looks = looks + 1, looked_at = $7
           where id = $1""",
        ["bigint", "numeric", "numeric", "numeric", "text", "jsonb", "timestamptz"],
        [
            action["id"],
            time and _percent(time.gain),
            time and _percent(time.low),
            time and _percent(time.high),
            f"{judgement.verdict}: {judgement.reason}",
            json.dumps(basis),
            moment,
        ],
    )
    database.commit()


def _figures(verdict: StatementVerdict, moment: str) -> dict[str, Any]:
    sample, interval = verdict.sample, verdict.interval()
    return {
        "statement_id": sample.statement_id,
        "role": sample.role,
        "judged_at": moment,
        **_side("before", sample.before),
        **_side("after", sample.after),
        "time_change": verdict.time_change,
        "time_low": interval and interval[0],
        "time_high": interval and interval[1],
        "blocks_change": verdict.blocks_change,
        "p_value": verdict.p_value,
        "verdict": verdict.verdict,
    }


def _side(name: str, slices: tuple[Slice, ...]) -> dict[str, Any]:
    calls = sum(one.calls for one in slices)
    if not calls:
        return {f"{name}_calls": 0}
    mean = sum(one.ms for one in slices) / calls
    return {
        f"{name}_calls": calls,
        f"{name}_ms": mean,
        f"{name}_sd_ms": max(sum(one.squares for one in slices) / calls - mean**2, 0.0) ** 0.5,
        f"{name}_blocks": sum(one.blocks for one in slices) / calls,
        f"{name}_wal": sum(one.wal for one in slices) / calls,
    }


def _percent(share: float) -> float:
    return round(100 * max(share, -1e6), 2)
