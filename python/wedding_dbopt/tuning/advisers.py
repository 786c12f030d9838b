"""The advisers a tuning run asks, in order. Each reads what was collected and answers with ideas; none changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wedding_dbopt.database import Database, DatabaseError
from wedding_dbopt.errors import DboptError
from wedding_dbopt.settings.ideas import KINDS, setting_ideas
from wedding_dbopt.tuning.idea import Idea, store
from wedding_dbopt.tuning.object_rewrites import object_ideas
from wedding_dbopt.tuning.recommend import index_ideas, require_superuser
from wedding_dbopt.tuning.repeated_aggregates import aggregate_ideas
from wedding_dbopt.tuning.run_event import note_run
from wedding_dbopt.tuning.stored_vectors import KIND as STORED


@dataclass(frozen=True)
class Adviser:
    """A source of ideas. It is not asked when the modes of all its kinds are off.

    `kinds` are all kinds of ideas it may give: what it does not find any more is withdrawn by them.
    """

    name: str
    kinds: tuple[str, ...]
    advise: Callable[[Database, int], Iterable[Idea]]


ADVISERS: tuple[Adviser, ...] = (
    Adviser("indexes", ("index_creation", "index_drop", "index_renewal", "reindex", STORED), index_ideas),
    Adviser("definitions", ("query_rewrite",), object_ideas),
    Adviser("settings", KINDS, setting_ideas),
    Adviser("aggregates", ("cache_optimization",), aggregate_ideas),
)

#: An action that waits for a person goes with its recommendation: nobody shall approve what is not advised any more.
_WITHDRAW = """
with gone as (
  update _wedding_dbopt.recommendation r
  set status = 'withdrawn', status_reason = 'no longer found by run ' || $1, updated_at = clock_timestamp()
  where r.run_id is distinct from $1 and r.kind = any ($2)
    and (r.status = 'open' or r.status = 'taken' and exists (
           select from _wedding_dbopt.action a where a.recommendation_id = r.id and a.state = 'proposed'))
  returning r.id
)
select _wedding_dbopt.change_action(a.id, 'withdrawn', 'its recommendation is no longer found by run ' || $1)
from gone join _wedding_dbopt.action a on a.recommendation_id = gone.id and a.state = 'proposed'
"""
_WANTED = """
select exists (
  select from _wedding_dbopt.setting s where s.name = any ($1) and s.value <> 'off'
) or exists (
  select from _wedding_dbopt.table_mode m where 'mode.' || m.action_type = any ($1) and m.mode <> 'off'
) as wanted
"""


def recommend_for_run(database: Database, run_id: int) -> int:
    """Ask all advisers and store what they say. One that fails costs its own ideas and leaves its reason in an event."""
    require_superuser(database)
    number = 0
    for adviser in ADVISERS:
        modes = [f"mode.{kind}" for kind in adviser.kinds]
        if not database.query(_WANTED, ["text[]"], [modes])[0]["wanted"]:
            continue
        try:
            with database.subtransaction():
                for idea in adviser.advise(database, run_id):
                    if not _is_off(database, idea):
                        store(database, run_id, idea)
                        number += 1
                database.query(_WITHDRAW, ["bigint", "text[]"], [run_id, list(adviser.kinds)])
        except (DboptError, DatabaseError) as error:
            failure = f"the adviser of {adviser.name} failed: {error} (SQLSTATE {error.sqlstate})"
            note_run(database, run_id, "running", failure)
    return number


def _is_off(database: Database, idea: Idea) -> bool:
    return bool(
        database.query(
            "select coalesce(_wedding_dbopt.mode_for($1, $2, $3) = 'off', false) as off",
            ["text", "text", "text"],
            [idea.kind, idea.schema, idea.table],
        )[0]["off"]
    )
