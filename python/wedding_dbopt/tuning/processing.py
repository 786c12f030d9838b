"""The executor's step: finish what a crash left, undo what is asked for, apply what is approved, judge what was applied.

Here is said whose turn it is; what happens to one action then, in `actions`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from wedding_dbopt.database import Database, DatabaseError, Row
from wedding_dbopt.errors import DboptError
from wedding_dbopt.tuning.actions import apply_when_possible, judge_applied, note, recover, roll_back
from wedding_dbopt.tuning.executor import APPLICATION_NAME
from wedding_dbopt.tuning.switch import enabled
from wedding_dbopt.tuning.view_access import exposed, revoke

#: Key of the session's advisory lock: one executor at a time in a database.
LOCK = "(hashtext('wedding_dbopt.process_actions'), 0)"
EXPOSED = "its tables hide rows by now, or belong to somebody else: it would show too much"
_BUILDING = """
select pid from pg_catalog.pg_stat_activity
where application_name = $1 and state = 'active' and datname = current_database()
  and usesysid in (select r.oid from pg_catalog.pg_roles r where r.rolsuper)
"""
_READY = """
select a.* from _wedding_dbopt.action a
where a.state = 'approved'
  and (a.next_attempt_at is null or a.next_attempt_at <= coalesce($1::timestamptz, clock_timestamp()))
  and _wedding_dbopt.mode_for(a.action_type, a.schema_name, a.table_name) is distinct from 'off'
order by a.id
"""


def process_actions(database: Database, at: str | None) -> None:
    """One step of the executor; `at` is the moment of judging (None: now). Commits between its parts."""
    if database.query("select pg_catalog.pg_is_in_recovery() as replica")[0]["replica"]:
        return
    if not database.query(f"select pg_catalog.pg_try_advisory_lock{LOCK} as got")[0]["got"]:
        return
    try:
        database.commit()
        orphans = database.query(_BUILDING, ["text"], [APPLICATION_NAME])
        if orphans:  # a deed of a session that is gone still runs; it will be found done or half done
            if not enabled(database):
                for orphan in orphans:
                    database.query("select pg_catalog.pg_cancel_backend($1)", ["integer"], [orphan["pid"]])
            return
        for action in _actions(database, "a.state = 'applying'"):
            _alone(database, action, lambda action: recover(database, action))
        _guard_views(database)
        for action in _actions(database, "a.rollback_requested and a.state in ('verifying', 'kept')"):
            _alone(database, action, lambda action: roll_back(database, action, "rolled back on request"))
        for action in _ready(database, at):
            _alone(database, action, lambda action: apply_when_possible(database, action, at))
        for action in _actions(database, "a.state = 'verifying'"):
            _alone(database, action, lambda action: judge_applied(database, action, at))
        _finish_runs(database)
    finally:
        database.query(f"select pg_catalog.pg_advisory_unlock{LOCK}")


def _alone(database: Database, action: Row, step: Callable[[Row], None]) -> None:
    """A step of one action. Its failure is noted in its row and keeps no other action from its own."""
    try:
        step(action)
    except (DboptError, DatabaseError) as error:
        note(database, action, error)


def _guard_views(database: Database) -> None:
    """First of all, also while paused: what shows somebody rows that he may not see."""
    for found in exposed(database):
        for action in _actions(database, f"a.id = {found.action_id}"):
            if found.lost is None:
                _alone(database, action, lambda action: roll_back(database, action, EXPOSED))
            else:
                _alone(database, action, partial(revoke, database, found))


def _actions(database: Database, condition: str) -> list[Row]:
    """Actions in the order in which they were enqueued, which is the order of their run."""
    rows = database.query(f"select a.* from _wedding_dbopt.action a where {condition} order by a.id")
    database.commit()
    return rows


def _ready(database: Database, at: str | None) -> list[Row]:
    rows = database.query(_READY, ["timestamptz"], [at])
    database.commit()
    return rows


def _finish_runs(database: Database) -> None:
    database.query(
        """with done as (
             update _wedding_dbopt.tuning_run r set state = 'finished', finished_at = clock_timestamp()
             where r.state = 'verifying'
               and not exists (select from _wedding_dbopt.action a
                               where a.run_id = r.id and a.state in ('approved', 'applying', 'verifying'))
             returning r.id)
           insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
           select clock_timestamp(), _wedding_dbopt.actor(), 'tuning_run', id::text, 'verifying', 'finished',
                  'every action is judged'
           from done"""
    )
    database.commit()
