"""Who may no longer read a table must not read it in a materialised view that an action made of it.

The rights of a view are those of the moment in which it was made. What was taken since is taken there too; where the tables
hide rows by now, or belong to somebody else, no grant can say who may see what, and the view goes.
"""

from __future__ import annotations

from dataclasses import dataclass

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.steps import run_steps

_NOTE = """
with noted as (
  update _wedding_dbopt.action a
  set details = jsonb_set(a.details, '{access,readers}', (
        select coalesce(jsonb_agg(r), '[]') from jsonb_array_elements_text(a.details #> '{access,readers}') r
        where r <> all ($2)))
  where a.id = $1
)
insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
select clock_timestamp(), _wedding_dbopt.actor(), 'action', a.id::text, a.state, a.state, $3
from _wedding_dbopt.action a where a.id = $1
"""


@dataclass(frozen=True)
class Exposed:
    """A view of ours that shows too much; `lost` are the roles whose right it outlived, None where it must go."""

    action_id: int
    view: str
    lost: tuple[str, ...] | None


def exposed(database: Database) -> list[Exposed]:
    rows = database.query("select * from _wedding_dbopt.exposed_views()")
    database.commit()
    return [
        Exposed(int(row["action_id"]), str(row["view"]), None if row["lost"] is None else tuple(row["lost"]))
        for row in rows
    ]


def revoke(database: Database, found: Exposed, _action: Row) -> None:
    """Take from the roles what they have lost at the tables. Safe to run twice, so a crash between costs nothing."""
    roles = ", ".join(found.lost or ())
    run_steps(database, [f"REVOKE SELECT ON {found.view} FROM {roles}"])
    database.query(
        _NOTE,
        ["bigint", "text[]", "text"],
        [found.action_id, list(found.lost or ()), f"{roles} may no longer read its tables, so not it either"],
    )
    database.commit()
