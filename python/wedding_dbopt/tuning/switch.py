"""The kill switch."""

from __future__ import annotations

from wedding_dbopt.database import Database


def enabled(database: Database) -> bool:
    """Whether anything may be changed now; asked in a transaction of its own, so that no snapshot stays open."""
    answer = database.query("select _wedding_dbopt.setting_value('enabled') = 'on' as enabled")[0]["enabled"]
    database.commit()
    return bool(answer)
