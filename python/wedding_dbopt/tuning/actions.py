"""The executor's step: finish what a crash left, undo what is asked for, apply what is approved, judge what was applied.

An action's state is written in a transaction of its own before and after every deed, and the deed's undoing was stored
when the action was made. So whatever interrupts this step, the next one finds in the catalogue what is true.
"""

from __future__ import annotations

from collections.abc import Callable

from wedding_dbopt.database import Database, Row
from wedding_dbopt.errors import ActionFailed, DboptError
from wedding_dbopt.tuning.executor import APPLICATION_NAME, Executor
from wedding_dbopt.tuning.judging import judge_action
from wedding_dbopt.tuning.switch import enabled

#: Key of the session's advisory lock: one executor at a time in a database.
LOCK = "(hashtext('wedding_dbopt.process_actions'), 0)"
#: Failures that may pass: locks, cancels, lost connections, full disks, and a step that died (XX000).
RETRIED = {"55P03", "57014", "40P01", "08006", "53100", "53200", "57P01", "57P02", "57P03", "WD008", "XX000"}

_INDEX = """
select i.indisvalid as valid, pg_catalog.pg_relation_size(i.indexrelid) as bytes,
       pg_catalog.obj_description(i.indexrelid, 'pg_class') as comment,
       exists (select from pg_catalog.pg_stat_progress_create_index p where p.index_relid = i.indexrelid) as building
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_index i on i.indexrelid = c.oid
where n.nspname = $1 and c.relname = $2
"""
_BUILDING = """
select pid from pg_catalog.pg_stat_activity
where application_name = $1 and state = 'active' and datname = current_database()
  and usesysid in (select r.oid from pg_catalog.pg_roles r where r.rolsuper)
"""
_CLAIM = """
update _wedding_dbopt.action
set attempts = attempts + 1, started_at = clock_timestamp() where id = $1 and state = 'approved' returning id
"""


def process_actions(database: Database, at: str | None) -> None:
    """One step of the executor; `at` is the moment of judging (None: now). Commits between its parts."""
    if not database.query(f"select pg_catalog.pg_try_advisory_lock{LOCK} as got")[0]["got"]:
        return
    try:
        database.commit()
        orphans = database.query(_BUILDING, ["text"], [APPLICATION_NAME])
        if orphans:  # a build of a session that is gone still runs; it will be found finished or invalid
            if not enabled(database):
                for orphan in orphans:
                    database.query("select pg_catalog.pg_cancel_backend($1)", ["integer"], [orphan["pid"]])
            return
        _recover(database)
        _roll_back_requested(database)
        _apply_approved(database)
        _judge_applied(database, at)
        _finish_runs(database)
    finally:
        database.query(f"select pg_catalog.pg_advisory_unlock{LOCK}")


# ---------------------------------------------------------------------- transitions


def change(database: Database, action: Row, state: str, reason: str) -> None:
    """Move an action to a state, with its event, and commit."""
    database.query(
        "select _wedding_dbopt.change_action($1, $2, $3)",
        ["bigint", "text", "text"],
        [action["id"], state, reason],
    )
    database.commit()


def _actions(database: Database, condition: str) -> list[Row]:
    rows = database.query(
        f"select a.* from _wedding_dbopt.action a where {condition} order by a.estimated_impact desc nulls last, a.id"
    )
    database.commit()
    return rows


def _index(database: Database, action: Row) -> Row | None:
    rows = database.query(_INDEX, ["name", "name"], [action["schema_name"], action["object_name"]])
    database.commit()
    return rows[0] if rows else None


def _go_on(database: Database, action: Row) -> Callable[[], bool]:
    """Asks for the kill switch and for a wish to undo, each time in a transaction of its own.

    So no snapshot of ours holds the build up.
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


def _run(database: Database, executor: Executor, sql: str, go_on: Callable[[], bool] = lambda: True) -> None:
    """Run a statement of an action. A concurrent one may wait long for older transactions: that blocks nobody."""
    setting = "concurrent_lock_timeout" if "CONCURRENTLY" in sql else "lock_timeout"
    timeout = database.query(
        "select 1000 * extract(epoch from _wedding_dbopt.setting_value($1)::interval) as ms",
        ["text"],
        [setting],
    )[0]["ms"]
    database.commit()
    executor.run(f"set lock_timeout = {round(float(timeout))}")
    executor.run(sql, go_on)


# ---------------------------------------------------------------------- the four parts


def _recover(database: Database) -> None:
    """Rows that still say `applying` belong to a step that died: the catalogue tells how far it came."""
    for action in _actions(database, "a.state = 'applying'"):
        index = _index(database, action)
        if index and index["valid"]:
            try:
                with Executor(database) as executor:
                    _run(database, executor, _mark_sql(action))
            except DboptError as error:
                _note(database, action, error)
                continue
            _applied(database, action, index, "found built after an interruption")
        else:
            _retry_or_fail(database, action, "XX000", "interrupted while applying", clean=index is not None)


def _roll_back_requested(database: Database) -> None:
    for action in _actions(database, "a.rollback_requested and a.state in ('verifying', 'kept')"):
        _roll_back(database, action, "rolled back on request")


def _apply_approved(database: Database) -> None:
    condition = (
        "a.state = 'approved' and (a.next_attempt_at is null or a.next_attempt_at <= clock_timestamp()) "
        "and _wedding_dbopt.setting_value('mode.' || a.action_type) is distinct from 'off'"
    )
    for action in _actions(database, condition):
        if not enabled(database):
            return
        obstacle = _obstacle(database, action)
        if obstacle:
            _postpone(database, action, obstacle)
            continue
        _apply(database, action, _go_on(database, action))


def _judge_applied(database: Database, at: str | None) -> None:
    for action in _actions(database, "a.state = 'verifying'"):
        if not _index(database, action):
            change(database, action, "rolled_back", "the index is gone: somebody dropped it")
            continue
        judgement = judge_action(database, action, at)
        if judgement.verdict == "kept":
            change(database, action, "kept", judgement.reason)
        elif judgement.verdict == "rolled_back":
            _roll_back(database, action, judgement.reason)


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


# ---------------------------------------------------------------------- apply and roll back


def _obstacle(database: Database, action: Row) -> str | None:
    """Why this is no time to build: a long transaction, or too little disk."""
    row = database.query(
        """select (select max(extract(epoch from clock_timestamp() - xact_start)) from pg_catalog.pg_stat_activity
                   where pid <> pg_backend_pid() and backend_type = 'client backend'
                     and datname = current_database()) as oldest_s,
                  extract(epoch from _wedding_dbopt.setting_value('long_transaction_limit')::interval) as limit_s,
                  s.disk_free, s.disk_total, _wedding_dbopt.setting_value('min_disk_free')::float8 as min_free
           from (select 1) one left join lateral (
             select disk_free, disk_total from _wedding_dbopt.system_sample
             where disk_free is not null order by at desc limit 1) s on true"""
    )[0]
    database.commit()
    if row["oldest_s"] is not None and float(row["oldest_s"]) > float(row["limit_s"]):
        return f"a transaction is {float(row['oldest_s']):.0f} s old and would hold the build up"
    if row["disk_free"] is not None:
        left = int(row["disk_free"]) - int(action["estimated_bytes"] or 0)
        if left < float(row["min_free"]) * int(row["disk_total"]):
            return f"the disk would have only {left} bytes free"
    return None


def _postpone(database: Database, action: Row, reason: str) -> None:
    still_wanted = database.query(
        """update _wedding_dbopt.action
           set next_attempt_at = clock_timestamp() + _wedding_dbopt.setting_value('apply_retry_delay')::interval
           where id = $1 and state = 'approved' returning id""",
        ["bigint"],
        [action["id"]],
    )
    if still_wanted:
        change(database, action, "approved", f"postponed: {reason}")
    database.commit()


def _apply(database: Database, action: Row, go_on: Callable[[], bool]) -> None:
    claimed = database.query(_CLAIM, ["bigint"], [action["id"]])
    if not claimed:  # withdrawn while another action was being built
        database.commit()
        return
    change(database, action, "applying", "building")
    failure: DboptError | None = None
    try:
        with Executor(database) as executor:
            leftover = _index(database, action)
            if leftover and leftover["building"]:
                _give_back(database, action)
                change(database, action, "approved", "somebody else is building an index of this name")
                return
            if leftover and not leftover["valid"]:
                _run(database, executor, action["rollback_sql"], go_on)
            elif leftover and leftover["comment"] != _mark(action):
                change(database, action, "withdrawn", "an index of this name exists already")
                return
            if not (leftover and leftover["valid"]):
                _run(database, executor, action["sql"], go_on)
                _run(database, executor, _mark_sql(action), go_on)
    except DboptError as error:
        failure = error
    index = _index(database, action)
    if index and index["valid"]:
        _applied(database, action, index, "built")
    else:
        state = _sqlstate(failure) if failure else "XX000"
        _retry_or_fail(
            database, action, state, str(failure or "the index is not there"), clean=index is not None
        )


def _give_back(database: Database, action: Row) -> None:
    """An attempt that was none: it does not count, and the next one comes after the usual delay."""
    database.query(
        """update _wedding_dbopt.action
           set attempts = attempts - 1,
               next_attempt_at = clock_timestamp() + _wedding_dbopt.setting_value('apply_retry_delay')::interval
           where id = $1""",
        ["bigint"],
        [action["id"]],
    )


def _mark(action: Row) -> str:
    """The comment by which everybody sees who made the index, and by which we know it as ours."""
    return f"Made by wedding_dbopt, action {action['id']}"


def _mark_sql(action: Row) -> str:
    name = ".".join(
        '"' + str(action[part]).replace('"', '""') + '"' for part in ("schema_name", "object_name")
    )
    return f"comment on index {name} is '{_mark(action)}'"


def _applied(database: Database, action: Row, index: Row, reason: str) -> None:
    database.query(
        """update _wedding_dbopt.action
           set applied_at = clock_timestamp(), measured_bytes = $2, error = null, error_sqlstate = null where id = $1""",
        ["bigint", "bigint"],
        [action["id"], index["bytes"]],
    )
    change(database, action, "verifying", f"{reason}: {index['bytes']} bytes")


def _sqlstate(failure: DboptError) -> str:
    return (failure.server_sqlstate if isinstance(failure, ActionFailed) else failure.sqlstate) or "XX000"


def _note(database: Database, action: Row, failure: DboptError) -> None:
    """Record why an action stays in its state for now; the next step tries again."""
    database.query(
        "update _wedding_dbopt.action set error_sqlstate = $2, error = $3 where id = $1",
        ["bigint", "text", "text"],
        [action["id"], _sqlstate(failure), f"the next tick tries again: {failure}"],
    )
    database.commit()


def _retry_or_fail(database: Database, action: Row, sqlstate: str, reason: str, *, clean: bool) -> None:
    """Remove the half-built index, then try again later or give up with the reason.

    While the half-built index cannot be dropped the action stays `applying`, so that it is not forgotten.
    """
    if clean:
        try:
            with Executor(database) as executor:
                _run(database, executor, action["rollback_sql"])
        except DboptError as error:
            _note(database, action, error)
            return
    row = database.query(
        """update _wedding_dbopt.action
           set error_sqlstate = $2, error = $3,
               next_attempt_at = clock_timestamp() + _wedding_dbopt.setting_value('apply_retry_delay')::interval
           where id = $1
           returning rollback_requested,
                     attempts < _wedding_dbopt.setting_value('apply_attempts')::integer as again""",
        ["bigint", "text", "text"],
        [action["id"], sqlstate, reason],
    )[0]
    if row["rollback_requested"]:
        change(database, action, "withdrawn", "the build was given up on request")
    elif not enabled(database):
        database.query(
            "update _wedding_dbopt.action set attempts = attempts - 1 where id = $1",
            ["bigint"],
            [action["id"]],
        )
        change(database, action, "approved", "paused while building; goes on after resume()")
    else:
        again = row["again"] and sqlstate in RETRIED
        change(database, action, "approved" if again else "failed", f"{reason} (SQLSTATE {sqlstate})")


def _roll_back(database: Database, action: Row, reason: str) -> None:
    index = _index(database, action)
    if index and index["valid"] and index["comment"] != _mark(action):
        change(database, action, "withdrawn", "an index of this name is there, but it is not the one we made")
        return
    # Whoever dies between the deed and its row leaves the wish behind, and the next step finishes it.
    database.query(
        "update _wedding_dbopt.action set rollback_requested = true where id = $1", ["bigint"], [action["id"]]
    )
    database.commit()
    try:
        with Executor(database) as executor:
            if index:
                _run(database, executor, action["rollback_sql"])
    except DboptError as error:
        _note(database, action, error)
        return
    change(database, action, "rolled_back", reason)
