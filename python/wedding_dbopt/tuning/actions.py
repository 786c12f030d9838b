"""The state machine of one action: applied, found after a crash, judged, kept or undone.

An action's state is written in a transaction of its own before and after every deed, and the deed's undoing was stored
before it. So whatever interrupts a step, the next one finds in the catalogue what is true. What the types of actions
differ in is in `deeds`; nothing here knows a type. Whose turn it is says `processing`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from wedding_dbopt.database import Database, DatabaseError, Row
from wedding_dbopt.errors import ActionFailed, DboptError
from wedding_dbopt.tuning.deeds import DEEDS
from wedding_dbopt.tuning.deeds.deed import ABSENT, BUSY, DONE, FINAL, FOREIGN, GONE, HALF, Deed, Look, stored
from wedding_dbopt.tuning.judging import judge_action
from wedding_dbopt.tuning.steps import run_steps
from wedding_dbopt.tuning.switch import enabled

#: Failures that may pass: locks, cancels, lost connections, full disks, and a step that died (XX000).
RETRIED = {"55P03", "57014", "40P01", "08006", "53100", "53200", "57P01", "57P02", "57P03", "WD008", "XX000"}

#: What a DETAIL shows of rows: "Key (email)=(...) is duplicated."
_VALUES = re.compile(r"=\(.*\)| contains \(.*\)", re.DOTALL)

_CLAIM = """
update _wedding_dbopt.action
set attempts = attempts + 1, started_at = clock_timestamp(), sql = $2, final_sql = $3, rollback_sql = $4,
    image_before = case when $5 then $6 else image_before end, details = details || $7
where id = $1 and state = 'approved'
returning *
"""


# ---------------------------------------------------------------------- transitions


def change(database: Database, action: Row, state: str, reason: str) -> None:
    """Move an action to a state, with its event, and commit."""
    database.query(
        "select _wedding_dbopt.change_action($1, $2, $3)",
        ["bigint", "text", "text"],
        [action["id"], state, reason],
    )
    database.commit()


def _look(database: Database, deed: Deed, action: Row, state: str | None = None) -> Look:
    """What the catalogue says, in a transaction of its own; `state` when the row has moved on since it was read."""
    look = deed.look(database, action if state is None else {**action, "state": state})
    database.commit()
    return look


def _go_on(database: Database, action: Row) -> Callable[[], bool]:
    """Asks for the kill switch and for a wish to undo, each time in a transaction of its own.

    So no snapshot of ours holds the deed up.
    """

    def wanted() -> bool:
        row = database.query(
            """select not a.rollback_requested and _wedding_dbopt.setting_value('enabled') = 'on' as wanted
               from _wedding_dbopt.action a where a.id = $1""",
            ["bigint"],
            [action["id"]],
        )[0]
        database.commit()
        return bool(row["wanted"])

    return wanted


# ---------------------------------------------------------------------- what processing asks for


def recover(database: Database, action: Row) -> None:
    """A row that still says `applying` belongs to a step that died: the catalogue tells how far it came."""
    deed = DEEDS[action["action_type"]]
    look = _look(database, deed, action)
    if look.there == BUSY:
        return
    if look.there == DONE:
        _finish(database, deed, action, look)
    elif look.there in (FOREIGN, GONE):
        change(database, action, "withdrawn", look.reason)
    else:
        _retry_or_fail(database, deed, action, look, "XX000", "interrupted while applying")


def _finish(database: Database, deed: Deed, action: Row, look: Look) -> None:
    run_steps(database, deed.finish(action), console=deed.console(action))
    _applied(database, action, look, "found done after an interruption")


def apply_when_possible(database: Database, action: Row, at: str | None) -> None:
    """Apply what is approved, or postpone it with the reason while there is an obstacle."""
    if not enabled(database):
        return
    obstacle = database.query(
        """select coalesce(case when not w.allowed then w.reason end, _wedding_dbopt.obstacle($1)) as reason,
                  w.next_at::text as next_at
           from _wedding_dbopt.work_decision($1, coalesce($2::timestamptz, clock_timestamp())) w""",
        ["bigint", "timestamptz"],
        [action["id"], at],
    )[0]
    database.commit()
    if obstacle["reason"]:
        _postpone(database, action, obstacle["reason"], obstacle["next_at"])
    else:
        _apply(database, action)


def judge_applied(database: Database, action: Row, at: str | None) -> None:
    """Keep what is applied, undo it, or leave it under judgement; `at` is the moment of judging (None: now)."""
    deed = DEEDS[action["action_type"]]
    look = _look(database, deed, action)
    if look.there in (ABSENT, GONE):
        change(database, action, "rolled_back", look.reason or "it is gone: somebody undid it")
    elif look.there == FOREIGN:
        change(database, action, "withdrawn", look.reason)
    elif look.there == HALF and look.reason:  # somebody took a part of it back
        roll_back(database, action, look.reason)
    elif look.there == FINAL:
        _conclude(database, deed, action, "judged good before an interruption")
    elif look.there == DONE and action["proved_as"] is not None:  # what it serves runs in the season, not yet
        _conclude(database, deed, action, f"done; it proved its worth as action {action['proved_as']}")
    elif look.there == DONE and not action["rollback_sql"]:
        _conclude(database, deed, action, "done; there is nothing to undo, so nothing to judge")
    elif look.there == DONE and not _is_mixed(database, action):
        judgement = judge_action(database, action, at)
        if judgement.verdict == "kept" and not _early(database, action, at):
            _conclude(database, deed, action, judgement.reason)
        elif judgement.verdict == "rolled_back":
            roll_back(database, action, judgement.reason)


def _is_mixed(database: Database, action: Row) -> bool:
    """Whether what is measured now is also of a younger deed on the same object.

    That began because this one was judged good already. It may do this one's work and be undone, so the end waits for it.
    """
    return bool(
        database.query(
            """select _wedding_dbopt.awaits_end(a) and _wedding_dbopt.unjudged_neighbour(a.id) is not null as mixed
               from _wedding_dbopt.action a where a.id = $1""",
            ["bigint"],
            [action["id"]],
        )[0]["mixed"]
    )


def _early(database: Database, action: Row, at: str | None) -> bool:
    """Whether it is too early for the last statements of a deed: what takes something away for good waits longer."""
    return bool(
        database.query(
            """select a.final_sql <> '{}' and coalesce($2::timestamptz, clock_timestamp())
                 < a.applied_at + _wedding_dbopt.setting_value('hidden_index_window')::interval as early
               from _wedding_dbopt.action a where a.id = $1""",
            ["bigint", "timestamptz"],
            [action["id"], at],
        )[0]["early"]
    )


# ---------------------------------------------------------------------- apply


def _postpone(database: Database, action: Row, reason: str, until: str | None = None) -> None:
    still_wanted = database.query(
        """update _wedding_dbopt.action
           set next_attempt_at = coalesce($2::timestamptz,
                 clock_timestamp() + _wedding_dbopt.setting_value('apply_retry_delay')::interval)
           where id = $1 and state = 'approved' returning id""",
        ["bigint", "timestamptz"],
        [action["id"], until],
    )
    if still_wanted:
        change(database, action, "approved", f"postponed: {reason}")
    database.commit()


def _apply(database: Database, action: Row) -> None:
    deed = DEEDS[action["action_type"]]
    look = _look(database, deed, action)
    if look.there in (FOREIGN, GONE):
        change(database, action, "withdrawn", look.reason)
        return
    if look.there == BUSY:
        _postpone(database, action, look.reason)
        return
    script = deed.prepare(database, action) if look.there == ABSENT else stored(action)
    claimed = database.query(
        _CLAIM,
        ["bigint", "text[]", "text[]", "text[]", "boolean", "text", "jsonb"],
        [
            action["id"],
            list(script.sql),
            list(script.final_sql),
            list(script.rollback_sql),
            look.there == ABSENT,
            look.image,
            json.dumps(dict(script.details)),
        ],
    )
    if not claimed:  # withdrawn while another action was being applied
        database.commit()
        return
    change(database, action, "applying", "begun")
    action = {**claimed[0], "state": "applying"}
    failure: DboptError | None = None
    wal = _wal(database)
    try:
        go_on = _go_on(database, action)
        before = list(deed.clean(database, action)) if look.there == HALF else []
        deeds = [] if look.there == DONE else list(action["sql"])
        run_steps(database, [*before, *deeds, *deed.finish(action)], go_on, deed.console(action))
    except DboptError as error:
        failure = error
    database.query(
        """update _wedding_dbopt.action
           set measured_wal = coalesce(measured_wal, 0) + greatest($2 - $3, 0),
               worked_ms = coalesce(worked_ms, 0) + 1000 * extract(epoch from clock_timestamp() - started_at)
           where id = $1""",
        ["bigint", "numeric", "numeric"],
        [action["id"], _wal(database), wal],
    )
    look = _look(database, deed, action, "applying" if failure else "applied")
    if look.there == DONE and failure is None:
        _applied(database, action, look, "done")
    elif look.there == DONE and failure is not None:  # but not marked or reloaded: the next step finishes it
        note(database, action, failure)
    elif look.there in (FOREIGN, GONE):
        change(database, action, "withdrawn", look.reason)
    else:
        state = _sqlstate(failure) if failure else "XX000"
        told = str(failure or "it is not there afterwards")
        _retry_or_fail(database, deed, action, look, state, told, failure.detail if failure else None)


def _wal(database: Database) -> str:
    """Where the server's WAL ends. What others write meanwhile counts too: the budget errs on the safe side."""
    end = database.query(
        "select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::text as bytes"
    )[0]["bytes"]
    database.commit()
    return str(end)


def _applied(database: Database, action: Row, look: Look, reason: str) -> None:
    database.query(
        """update _wedding_dbopt.action
           set applied_at = clock_timestamp(), measured_bytes = $2, image_after = $3 where id = $1""",
        ["bigint", "bigint", "text"],
        [action["id"], look.bytes, look.image],
    )
    change(database, action, "verifying", reason if look.bytes is None else f"{reason}: {look.bytes} bytes")


def _conclude(database: Database, deed: Deed, action: Row, reason: str) -> None:
    """Judged good: the last statements, if there are any, then kept."""
    run_steps(database, action["final_sql"], _go_on(database, action), deed.console(action))
    change(database, action, "kept", reason)


def _sqlstate(failure: DboptError | DatabaseError) -> str:
    return (failure.server_sqlstate if isinstance(failure, ActionFailed) else failure.sqlstate) or "XX000"


def note(database: Database, action: Row, failure: DboptError | DatabaseError) -> None:
    """Record why an action stays in its state for now; the next step tries again."""
    database.query(
        "update _wedding_dbopt.action set error_sqlstate = $2, error = $3 where id = $1",
        ["bigint", "text", "text"],
        [action["id"], _sqlstate(failure), f"the next tick tries again: {failure}"],
    )
    database.commit()


def _retry_or_fail(
    database: Database,
    deed: Deed,
    action: Row,
    look: Look,
    sqlstate: str,
    reason: str,
    detail: str | None = None,
) -> None:
    """Take away what is half done, then try again later or give up with the reason.

    While it cannot be taken away the action stays `applying`, so that it is not forgotten. The server's `detail`, as the columns
    of a key that is there twice, stands beside the reason without the values, which are not for everybody who reads actions.
    """
    if look.there == HALF:
        run_steps(database, deed.clean(database, action), console=deed.console(action))
        look = _look(database, deed, action, "applying")
        if look.there == DONE:
            _finish(database, deed, action, look)
            return
    row = database.query(
        """update _wedding_dbopt.action
           set error_sqlstate = $2, error = $3,
               next_attempt_at = clock_timestamp() + _wedding_dbopt.setting_value('apply_retry_delay')::interval
           where id = $1
           returning rollback_requested,
                     attempts < _wedding_dbopt.setting_value('apply_attempts')::integer as again""",
        ["bigint", "text", "text"],
        [action["id"], sqlstate, f"{reason}: {_VALUES.sub('', detail)}" if detail else reason],
    )[0]
    if row["rollback_requested"]:
        change(database, action, "withdrawn", "given up on request")
    elif not enabled(database):
        database.query(
            "update _wedding_dbopt.action set attempts = attempts - 1 where id = $1",
            ["bigint"],
            [action["id"]],
        )
        change(database, action, "approved", "paused while applying; goes on after resume()")
    else:
        again = row["again"] and sqlstate in RETRIED
        change(database, action, "approved" if again else "failed", f"{reason} (SQLSTATE {sqlstate})")


# ---------------------------------------------------------------------- roll back


def roll_back(database: Database, action: Row, reason: str) -> None:
    """Undo an applied action. Whoever dies on the way leaves the wish behind, and the next step finishes it."""
    deed = DEEDS[action["action_type"]]
    if not action["rollback_sql"]:
        database.query(
            "update _wedding_dbopt.action set rollback_requested = false where id = $1",
            ["bigint"],
            [action["id"]],
        )
        change(database, action, "kept", f"there is nothing to undo ({reason})")
        return
    look = _look(database, deed, action)
    if look.there == FOREIGN:
        change(database, action, "withdrawn", look.reason)
        return
    if look.there == BUSY:
        return
    database.query(
        """update _wedding_dbopt.action a
           set rollback_requested = true,
               retry_basis = _wedding_dbopt.retry_basis(a.schema_name, a.table_name,
                 (select r.benefits from _wedding_dbopt.recommendation r where r.id = a.recommendation_id), clock_timestamp())
           where a.id = $1""",
        ["bigint"],
        [action["id"]],
    )
    database.commit()
    if look.there in (HALF, FINAL):
        run_steps(database, deed.clean(database, action), console=deed.console(action))
        look = _look(database, deed, action)
    if look.there not in (ABSENT, GONE):
        run_steps(database, action["rollback_sql"], console=deed.console(action))
        look = _look(database, deed, action)
    if look.there not in (ABSENT, GONE):
        raise ActionFailed("the undo left it there", server_sqlstate="XX000")
    differs = look.there == ABSENT and look.image != action["image_before"]
    database.query(
        "update _wedding_dbopt.action set error_sqlstate = null, error = $2 where id = $1",
        ["bigint", "text"],
        [
            action["id"],
            f"undone, but not exactly: before {action['image_before']}, now {look.image}"
            if differs
            else None,
        ],
    )
    change(database, action, "rolled_back", reason)
