"""A tuning run: collect, analyse, recommend, enqueue. The executor (processing.py) applies what was enqueued."""

from __future__ import annotations

from wedding_dbopt.database import Database, DatabaseError, Row, StatementCancelled
from wedding_dbopt.errors import ActionFailed, DboptError, NotPermitted
from wedding_dbopt.tuning.executor import Executor
from wedding_dbopt.tuning.run_event import note_run
from wedding_dbopt.tuning.switch import enabled

#: Key of the session's advisory lock: one tuner at a time in a database.
LOCK = "(hashtext('wedding_dbopt.run_tuning'), 0)"
#: What the analysis may take beyond its own time limit before it is cancelled, in seconds.
GRACE = 30.0


def run_now(database: Database, level: str, season_mode: bool, dry_run: bool, at: str | None) -> None:
    """Make a run of the caller's own and carry it out."""
    if database.query("select pg_catalog.pg_is_in_recovery() as replica")[0]["replica"]:
        raise NotPermitted("A replica cannot be tuned", hint="Call run_tuning() on the primary.")
    database.query(
        "select _wedding_dbopt.require_time(coalesce($1::timestamptz, clock_timestamp()))", ["text"], [at]
    )
    row = database.query(
        """insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, options)
           values ('call', session_user, coalesce($1::timestamptz, clock_timestamp()), $2, $3,
                   jsonb_build_object('dry_run', $4)) returning id""",
        ["timestamptz", "text", "boolean", "boolean"],
        [at, level, season_mode, dry_run],
    )[0]
    database.commit()
    _run(database, int(row["id"]))


def run_queued(database: Database, at: str | None) -> None:
    """Carry out what is queued, oldest first; a run that died halfway is failed with the reason."""
    if not _lock(database):
        return
    try:
        database.query(
            """update _wedding_dbopt.tuning_run
               set state = 'failed', finished_at = clock_timestamp(), error = 'interrupted', error_sqlstate = '57P02'
               where state = 'running'"""
        )
        database.commit()
        queued = database.query("select id from _wedding_dbopt.tuning_run where state = 'queued' order by id")
        database.commit()
    finally:
        _unlock(database)
    for row in queued:
        _run(database, int(row["id"]))


def _lock(database: Database) -> bool:
    got = bool(database.query(f"select pg_catalog.pg_try_advisory_lock{LOCK} as got")[0]["got"])
    database.commit()
    return got


def _unlock(database: Database) -> None:
    database.query(f"select pg_catalog.pg_advisory_unlock{LOCK}")


def _run(database: Database, run_id: int) -> None:
    """One run from queued to verifying or finished; while paused or while another tuner runs it stays queued."""
    if not enabled(database) or not _lock(database):
        return
    try:
        claimed = database.query(
            """update _wedding_dbopt.tuning_run set state = 'running', started_at = clock_timestamp()
               where id = $1 and state = 'queued' returning level, requested_by""",
            ["bigint"],
            [run_id],
        )
        if claimed:
            note_run(
                database,
                run_id,
                "running",
                f"level {claimed[0]['level']}, asked by {claimed[0]['requested_by']}",
            )
        database.commit()
        if claimed:
            _tune(database, run_id)
    finally:
        _unlock(database)


def _tune(database: Database, run_id: int) -> None:
    try:
        run = _in_its_season(database, run_id)
        database.query("call wedding_dbopt.collect()")
        database.query("select _wedding_dbopt.classify_statements()")
        database.commit()
        if not _dry_run(run):
            _keep_baseline(database, run_id)
        _analyse(database, run_id)
        _bind_to_season(database, run)
        if _dry_run(run):
            database.query("select _wedding_dbopt.print_plan($1)", ["bigint"], [run_id])
            state = "finished"
        else:
            state = "verifying" if _enqueue(database, run) else "finished"
        database.query(
            """update _wedding_dbopt.tuning_run
               set state = $2, finished_at = case when $2 = 'finished' then clock_timestamp() end where id = $1""",
            ["bigint", "text"],
            [run_id, state],
        )
        note_run(database, run_id, state, _enqueued(database, run_id))
    except (DboptError, DatabaseError, StatementCancelled) as error:
        sqlstate = error.server_sqlstate if isinstance(error, ActionFailed) else error.sqlstate
        database.query(
            """update _wedding_dbopt.tuning_run
               set state = 'failed', finished_at = clock_timestamp(), error = $2, error_sqlstate = $3 where id = $1""",
            ["bigint", "text", "text"],
            [run_id, str(error), sqlstate],
        )
        note_run(database, run_id, "failed", str(error))
        database.commit()
        if isinstance(error, StatementCancelled):
            raise
    else:
        database.commit()


def _in_its_season(database: Database, run_id: int) -> Row:
    """The run's row, once it says in which seasons and for what surges it was asked."""
    return database.query(
        """update _wedding_dbopt.tuning_run r
           set season_mode = r.season_mode or (s.season ->> 'is_wedding_season')::boolean,
               seasons = array(select jsonb_array_elements_text(s.season -> 'seasons')), options = s.triggers || r.options
           from (select wedding_dbopt.get_season(requested_at) as season, jsonb_build_object('triggers', (
                          select coalesce(jsonb_agg(jsonb_build_object('context', t.context, 'reason', t.reason)), '[]')
                          from _wedding_dbopt.load_triggers(requested_at) t)) as triggers
                 from _wedding_dbopt.tuning_run where id = $1) s
           where r.id = $1 returning r.*""",
        ["bigint"],
        [run_id],
    )[0]


def _bind_to_season(database: Database, run: Row) -> None:
    """What only a season needs goes when it is over."""
    database.query(
        "select _wedding_dbopt.bind_to_season($1, $2::timestamptz)",
        ["bigint", "text"],
        [run["id"], run["requested_at"]],
    )


def _keep_baseline(database: Database, run_id: int) -> None:
    """How things were before; a run without it is worth more than none, but the run says so."""
    try:
        database.query("select _wedding_dbopt.take_run_baseline($1, clock_timestamp())", ["bigint"], [run_id])
    except DatabaseError as error:
        note_run(database, run_id, "running", f"no baseline could be kept: {error}")
    database.commit()


def _analyse(database: Database, run_id: int) -> None:
    """Search in a session of its own, which a time limit or the kill switch can end."""
    row = database.query(
        """select extract(epoch from clock_timestamp()) as now,
                  extract(epoch from _wedding_dbopt.setting_value('analysis_time_limit')::interval) as seconds"""
    )[0]
    database.commit()
    limit = float(row["now"]) + float(row["seconds"]) + GRACE

    def go_on() -> bool:
        answer = database.query(
            """select extract(epoch from clock_timestamp()) < $1 and _wedding_dbopt.setting_value('enabled') = 'on' as yes""",
            ["float8"],
            [limit],
        )[0]["yes"]
        database.commit()
        return bool(answer)

    with Executor(database) as executor:
        executor.run(f"select _wedding_dbopt.recommend_for_run({run_id})", go_on)


def _enqueued(database: Database, run_id: int) -> str:
    row = database.query(
        """select format('%s actions, %s of them wait for approval', count(*),
                         count(*) filter (where a.state = 'proposed')) as said
           from _wedding_dbopt.action a where a.run_id = $1""",
        ["bigint"],
        [run_id],
    )[0]
    return str(row["said"])


def _dry_run(run: Row) -> bool:
    return '"dry_run": true' in str(run["options"])


def _enqueue(database: Database, run: Row) -> bool:
    """Make actions of the run's recommendations, as far as level, season and modes allow; whether any is approved."""
    database.query("select _wedding_dbopt.enqueue_actions($1)", ["bigint"], [run["id"]])
    return bool(
        database.query(
            "select exists (select from _wedding_dbopt.action a where a.run_id = $1 and a.state = 'approved') as approved",
            ["bigint"],
            [run["id"]],
        )[0]["approved"]
    )
