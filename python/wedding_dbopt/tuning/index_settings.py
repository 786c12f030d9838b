"""The settings that say what a set of indexes is judged by, for one statement as for a workload."""

from __future__ import annotations

from typing import TypedDict

from wedding_dbopt.database import Database


class Judged(TypedDict):
    """Arguments of `indexes.advise.advise`."""

    cost_alone: bool
    given_up: float


def judged_by(database: Database) -> Judged:
    row = database.query(
        """select _wedding_dbopt.setting_value('index_judgement') = 'cost' as cost_alone,
                  _wedding_dbopt.setting_value('index_given_up')::float8 as given_up"""
    )[0]
    return Judged(cost_alone=bool(row["cost_alone"]), given_up=float(row["given_up"]))
