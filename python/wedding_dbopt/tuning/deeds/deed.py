"""What differs between the types of actions. The state machine (actions.py) knows none of them.

A type is a class with one instance in `deeds.DEEDS`. Its heart is `look`: what the catalogue says of the action's object
now. From that alone, and the action's row, every step and every recovery is decided. So `look` reads the catalogue and
statistics views only, never waits, and changes nothing.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from wedding_dbopt.database import Database, Row

#: As it was before the deed.
ABSENT = "absent"
#: Begun and not whole: `clean` takes it away.
HALF = "half"
#: Done as the action's `sql` says.
DONE = "done"
#: The action's `final_sql` has begun: it must be finished.
FINAL = "final"
#: A session is at it in this moment.
BUSY = "busy"
#: Not as it was and not as we left it: it is somebody else's, and nothing is done about it.
FOREIGN = "foreign"
#: What the action was about does not exist any more.
GONE = "gone"


@dataclass(frozen=True)
class Look:
    """What the catalogue says of an action's object now.

    `image` is its whole state as text: the same before a deed and after its undoing. `bytes` is its size, and
    `reason` says why it is foreign, gone or busy, in words that stand in the action's event.
    """

    there: str
    image: str | None = None
    bytes: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Script:
    """The statements of an action. Each may be run twice: a crash may fall between a statement and its row."""

    sql: tuple[str, ...]
    final_sql: tuple[str, ...]
    rollback_sql: tuple[str, ...]
    #: Added to the details of the action, for what `look` must know later.
    details: Mapping[str, Any] = field(default_factory=dict)


class Deed(ABC):
    """One type of action. Subclasses give `look`, and of the rest what differs."""

    type: ClassVar[str]
    #: The locks of its statements, in words for people; `{table}` stands for the table's quoted name.
    locks: ClassVar[str]

    @abstractmethod
    def look(self, database: Database, action: Row) -> Look:
        """What the catalogue says. `action["state"]` says who asks.

        approved: may it begin; applied: its statements were run just now, without an error; applying: a step died, how far
        did it come; verifying or kept: is it still there.
        """

    def prepare(self, database: Database, action: Row) -> Script:
        """The statements as they must be now, stored before the deed. An undo needs what is there at this moment."""
        return stored(action)

    def clean(self, database: Database, action: Row) -> Sequence[str]:
        """Statements that take away what is half done."""
        return list(action["rollback_sql"])

    def finish(self, action: Row) -> Sequence[str]:
        """Last statements of the deed, run again when it is found done after a crash."""
        return ()

    def console(self, action: Row) -> str | None:
        """Setting with the connection string of the console on which its statements run; None: the server itself."""
        return None


def stored(action: Row) -> Script:
    """The statements that the action's row holds."""
    return Script(tuple(action["sql"]), tuple(action["final_sql"]), tuple(action["rollback_sql"]))


def details_of(action: Row) -> dict[str, Any]:
    """The details of an action, which the server hands over as text."""
    held = action["details"]
    return dict(json.loads(held) if isinstance(held, str) else held)


def identifier(*parts: str) -> str:
    """A quoted, qualified name."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(value: str) -> str:
    """A quoted value; the executor's session has standard_conforming_strings on."""
    return "'" + value.replace("'", "''") + "'"


MARK = "Made by wedding_dbopt, action "


def mark(action: Row) -> str:
    """The comment by which everybody sees who made an object, and by which we know it as ours."""
    return f"{MARK}{action['id']}"


def is_ours(action: Row, comment: str | None) -> bool:
    """Whether a whole object with this comment is what the action made; the mark comes last."""
    return comment == mark(action) or (comment is None and action["state"] in ("applying", "applied"))
