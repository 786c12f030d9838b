"""Judging an applied action: its samples are read, judged, and the judgement is stored; the caller acts on it."""

from __future__ import annotations

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.statistics import Summary
from wedding_dbopt.tuning.verify import Judgement, Rules, Sample, judge


def judge_action(database: Database, action: Row, at: str | None) -> Judgement:
    """The judgement of an action that is applied, stored with its figures; `at` is the moment of judging (None: now)."""
    judgement = _judgement(database, action, at)
    _store(database, action, judgement, at)
    return judgement


def _judgement(database: Database, action: Row, at: str | None) -> Judgement:
    rules = database.query(
        """select extract(epoch from coalesce($2::timestamptz, clock_timestamp()) - max(a.applied_at)) as age_s,
                  _wedding_dbopt.setting_value('verification_min_calls')::integer as min_calls,
                  extract(epoch from _wedding_dbopt.setting_value('verification_min_window')::interval) as min_window_s,
                  extract(epoch from _wedding_dbopt.setting_value('verification_max_window')::interval) as max_window_s,
                  _wedding_dbopt.setting_value('verification_min_gain')::float8 as min_gain,
                  _wedding_dbopt.setting_value('verification_regression')::float8 as regression
           from _wedding_dbopt.action a join _wedding_dbopt.action s on s.id = $1
           where a.applied_at is not null
             and (a.id = s.id or a.run_id = s.run_id
                  and a.started_at between s.started_at - interval '1 hour' and s.started_at + interval '1 hour')""",
        ["bigint", "timestamptz"],
        [action["id"], at],
    )[0]
    rows = database.query(
        "select * from _wedding_dbopt.verification_samples($1, coalesce($2::timestamptz, clock_timestamp()))",
        ["bigint", "timestamptz"],
        [action["id"], at],
    )
    samples = [
        Sample(
            int(row["statement_id"]),
            str(row["role"]),
            Summary(int(row["before_calls"]), float(row["before_ms"]), float(row["before_sd_ms"])),
            Summary(int(row["after_calls"]), float(row["after_ms"]), float(row["after_sd_ms"])),
            float(row["before_blocks"]),
            float(row["after_blocks"]),
            float(row["weight"]),
            None if row["objective_ms"] is None else float(row["objective_ms"]),
        )
        for row in rows
    ]
    return judge(samples, Rules(**{name: float(value) for name, value in rules.items()}))  # type: ignore[arg-type]


def _store(database: Database, action: Row, judgement: Judgement, at: str | None) -> None:
    for verdict in judgement.statements:
        sample = verdict.sample
        database.query(
            """insert into _wedding_dbopt.verification
                 (action_id, statement_id, role, judged_at, before_calls, before_ms, before_sd_ms, before_blocks,
                  after_calls, after_ms, after_sd_ms, after_blocks, time_change, blocks_change, p_value, verdict)
               values ($1, $2, $3, coalesce($4::timestamptz, clock_timestamp()),
                       $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
               on conflict (action_id, statement_id) do update set
                 role = excluded.role, judged_at = excluded.judged_at, before_calls = excluded.before_calls,
                 before_ms = excluded.before_ms, before_sd_ms = excluded.before_sd_ms,
                 before_blocks = excluded.before_blocks, after_calls = excluded.after_calls,
                 after_ms = excluded.after_ms, after_sd_ms = excluded.after_sd_ms,
                 after_blocks = excluded.after_blocks, time_change = excluded.time_change,
                 blocks_change = excluded.blocks_change, p_value = excluded.p_value, verdict = excluded.verdict""",
            [
                "bigint",
                "integer",
                "text",
                "timestamptz",
                "bigint",
                *["float8"] * 3,
                "bigint",
                *["float8"] * 6,
                "text",
            ],
            [
                action["id"],
                sample.statement_id,
                sample.role,
                at,
                sample.before.n,
                sample.before.mean,
                sample.before.sd,
                sample.before_blocks,
                sample.after.n,
                sample.after.mean,
                sample.after.sd,
                sample.after_blocks,
                verdict.time_change,
                verdict.blocks_change,
                verdict.p_value,
                verdict.verdict,
            ],
        )
    gain = judgement.time_gain
    database.query(
        "update _wedding_dbopt.action set measured_impact = $2, verdict = $3 where id = $1",
        ["bigint", "numeric", "text"],
        [
            action["id"],
            None if gain is None else round(100 * gain, 2),
            f"{judgement.verdict}: {judgement.reason}",
        ],
    )
    database.commit()
