"""A deed that changes what stands in the catalogue for one object: a definition, options, a limit.

Such a change is one statement and atomic, so it is never half done. What the catalogue said before and after is kept
in the action's row; anything else is somebody else's change.
"""

from __future__ import annotations

from abc import abstractmethod

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.deed import ABSENT, DONE, FOREIGN, GONE, Deed, Look


class Change(Deed):
    """Subclasses give `image`."""

    @abstractmethod
    def image(self, database: Database, action: Row) -> str | None:
        """What the catalogue says of the object now; None when the object is gone."""

    def look(self, database: Database, action: Row) -> Look:
        return compared(action, self.image(database, action))


def compared(action: Row, now: str | None) -> Look:
    """What an image of the object means for its action."""
    what = f"{action['object_kind']} {action['object_name'] or action['table_name']}"
    if now is None:
        return Look(GONE, reason=f"the {what} is gone")
    if action["state"] == "approved" or now == action["image_before"]:
        return Look(ABSENT, now)
    if action["state"] in ("applying", "applied") or now == action["image_after"]:
        return Look(DONE, now)
    return Look(FOREIGN, now, reason=f"somebody changed the {what} since")
