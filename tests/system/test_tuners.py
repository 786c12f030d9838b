"""Two tuners at once: nothing is built twice, and the second does not wait."""

from __future__ import annotations

import threading

import psycopg

from tests.system.tuner import Tuner, until

QUERY = "select sum(amount) from booking where vendor = {number}"


def test_a_second_process_actions_returns_at_once_and_builds_nothing(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    actions = [tuner.action("booking", "vendor"), tuner.action("booking", "amount")]
    writer = tuner.cluster.connect(tuner.database)
    writer.execute("begin; insert into booking (vendor) values (1)")
    first = tuner.background("call wedding_dbopt.process_actions()")
    until(tuner.building)
    tuner.run("set statement_timeout = '5s'")
    tuner.process()
    tuner.tick()
    assert [state for _, state in tuner.actions()] == ["applying", "approved"]
    writer.close()
    first.join()
    assert first.error is None
    assert tuner.actions() == [(action, "verifying") for action in actions]
    assert tuner.column("select attempts from _wedding_dbopt.action") == [1, 1]
    builds = "select count(*) from _wedding_dbopt.event where to_state = 'applying' group by subject_id"
    assert tuner.column(builds) == [1, 1]


def test_a_second_run_tuning_returns_at_once_and_its_run_stays_queued(tuner: Tuner) -> None:
    """S2, S8, O5."""
    tuner.table(rows=1000)
    with tuner.cluster.connect(tuner.database) as other:
        other.execute("select pg_advisory_lock(hashtext('wedding_dbopt.run_tuning'), 0)")
        tuner.run("set statement_timeout = '5s'")
        tuner.tune("dry_run => true")
        tuner.tick()
        assert tuner.column("select state from _wedding_dbopt.tuning_run") == ["queued"]
        other.execute("select pg_advisory_unlock_all()")
    tuner.run("reset statement_timeout")  # the run itself may take its time
    tuner.tick()
    assert tuner.column("select state from _wedding_dbopt.tuning_run") == ["finished"]


def test_tuners_at_the_same_time_enqueue_and_build_an_index_once(tuner: Tuner) -> None:
    tuner.table()
    tuner.observed(QUERY)
    sessions = [tuner.background("call wedding_dbopt.run_tuning()") for _ in range(3)]
    for session in sessions:
        session.join()
    tuner.tick()
    sessions += (more := [tuner.background("call wedding_dbopt.process_actions()") for _ in range(3)])
    for session in more:
        session.join()
    assert [session.error for session in sessions] == [None] * len(sessions)
    tuner.process()
    assert (
        tuner.column(
            "select distinct state from _wedding_dbopt.tuning_run where state in ('queued', 'running')"
        )
        == []
    )
    assert [state for _, state in tuner.actions()] == ["verifying"]
    assert len([index for index in tuner.indexes() if "(vendor)" in index]) == 1


def test_sessions_that_plan_a_superusers_statement_at_once_do_not_disturb_each_other(tuner: Tuner) -> None:
    """Planning lends the planner role rights inside a transaction that is rolled back: two at once meet there."""
    tuner.table(rows=1000)
    errors: list[psycopg.Error] = []

    def plan() -> None:
        with tuner.cluster.connect(tuner.database) as session:
            for _ in range(15):
                try:
                    session.execute(
                        "select wedding_dbopt.analyze_query('select * from booking where vendor = 7')"
                    )
                except psycopg.Error as error:
                    errors.append(error)

    threads = [threading.Thread(target=plan) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_run_waits_while_the_tuner_is_paused(tuner: Tuner) -> None:
    tuner.run("select wedding_dbopt.pause()")
    tuner.tune()
    tuner.run("select wedding_dbopt.optimize_database()")
    tuner.tick()
    assert tuner.column("select distinct state from _wedding_dbopt.tuning_run") == ["queued"]
    tuner.run("select wedding_dbopt.resume()")
    tuner.tick()
    assert tuner.column("select distinct state from _wedding_dbopt.tuning_run") == ["finished"]


def test_a_run_that_died_halfway_is_failed_with_the_reason(tuner: Tuner) -> None:
    run = tuner.tune("dry_run => true")
    tuner.run("update _wedding_dbopt.tuning_run set state = 'running', finished_at = null")
    tuner.tick()
    state, error, sqlstate = tuner.session.execute(
        "select state, error, error_sqlstate from _wedding_dbopt.tuning_run where id = %s", [run]
    ).fetchone() or ("", "", "")
    assert (state, error, sqlstate) == ("failed", "interrupted", "57P02")
