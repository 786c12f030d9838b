"""Running the statements of an action, one by one, each outside a transaction block and under a short lock timeout.

A statement that waits for a strong lock holds up everybody who comes after it. So it waits for the setting `lock_timeout`
only, and is tried again for `lock_patience`: the longer in vain, the more often, never with a longer wait. A statement whose
waiting blocks no reader and no writer may wait longer.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence

from wedding_dbopt.database import QUERY_CANCELED, Database
from wedding_dbopt.errors import ActionFailed
from wedding_dbopt.tuning.executor import Executor

#: Statements that wait in a queue in which readers and writers do not stand.
_PATIENT = re.compile(
    r"\s*(?:(?:CREATE(?: UNIQUE)? INDEX|DROP INDEX|REINDEX(?: \([^)]*\))? (?:INDEX|TABLE)"
    r"|REFRESH MATERIALIZED VIEW) CONCURRENTLY|VACUUM(?!\s*(?:\([^)]*\bFULL|FULL)\b)|ANALYZE)\b",
    re.IGNORECASE,
)
#: Statements that take locks one after another and hold the first while they wait for the next.
_BRIEF = re.compile(
    r"\s*(?:DROP INDEX(?! CONCURRENTLY)|ALTER (?:INDEX|POLICY|TABLE)|CREATE OR REPLACE VIEW|DROP MATERIALIZED VIEW)\b",
    re.IGNORECASE,
)
LOCK_NOT_AVAILABLE = "55P03"
#: Pause between two tries for a lock, in seconds. It is doubled each time, so that users get on in between. Who waited in
#: vain for half the patience tries more often instead: pauses between these two, by chance, because what keeps us out may
#: come in a rhythm.
PAUSE, GREATEST_PAUSE = 0.05, 1.0
HURRIED = (0.05, 0.25)


def run_steps(
    database: Database,
    statements: Sequence[str],
    go_on: Callable[[], bool] = lambda: True,
    console: str | None = None,
) -> None:
    """Run statements in a session of the executor. Raises ActionFailed with the server's SQLSTATE, ExecutorUnavailable."""
    if not statements:
        return
    with Executor(database, console) as executor:
        for statement in statements:
            if not go_on():
                raise ActionFailed("ended between two statements", server_sqlstate=QUERY_CANCELED)
            if console:
                executor.run(statement, go_on)
            else:
                _run(database, executor, statement, go_on)


def is_patient(statement: str) -> bool:
    """Whether a statement may wait long for its locks, because nobody waits behind it."""
    return _PATIENT.match(statement) is not None


def is_brief(statement: str) -> bool:
    """Whether a statement is a moment's work under a lock that keeps everybody out, perhaps on several tables in turn."""
    return _BRIEF.match(statement) is not None


def _run(database: Database, executor: Executor, statement: str, go_on: Callable[[], bool]) -> None:
    patient = is_patient(statement)
    limits = database.query(
        """select 1000 * extract(epoch from _wedding_dbopt.setting_value($1)::interval) as timeout_ms,
                  extract(epoch from _wedding_dbopt.setting_value('lock_patience')::interval) as patience_s""",
        ["text"],
        ["concurrent_lock_timeout" if patient else "lock_timeout"],
    )[0]
    database.commit()
    wait = round(float(limits["timeout_ms"]))
    whole = wait if is_brief(statement) else 0
    until = time.monotonic() + float(limits["patience_s"])
    pause = PAUSE
    while True:
        executor.run(f"set lock_timeout = {wait}; set statement_timeout = {whole}")
        try:
            executor.run(statement, go_on)
            return
        except ActionFailed as failure:
            retried = failure.server_sqlstate == LOCK_NOT_AVAILABLE or (
                whole > 0 and failure.server_sqlstate == QUERY_CANCELED
            )
            if not retried or patient or time.monotonic() + pause > until or not go_on():
                raise
        time.sleep(pause)
        hurried = time.monotonic() > until - float(limits["patience_s"]) / 2
        pause = random.uniform(*HURRIED) if hurried else min(2 * pause, GREATEST_PAUSE)
