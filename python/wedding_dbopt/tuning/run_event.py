"""What a tuning run did or met, for its log."""

from __future__ import annotations

from wedding_dbopt.database import Database


def note_run(database: Database, run_id: int, state: str, reason: str) -> None:
    """Add an event to a run's log."""
    database.query(
        """insert into _wedding_dbopt.event (at, actor, subject, subject_id, to_state, reason)
           values (clock_timestamp(), _wedding_dbopt.actor(), 'tuning_run', $1, $2, $3)""",
        ["text", "text", "text"],
        [str(run_id), state, reason],
    )
