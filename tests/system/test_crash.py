"""Whatever dies and whenever, the next step finds what is true and finishes or cleans up; nobody waits for the tuner."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.system.conftest import fresh_database, prepared
from tests.system.tuner import Background, Tuner, until

Connection = psycopg.Connection[Any]
PROCESS = "call wedding_dbopt.process_actions()"


@contextmanager
def writing(tuner: Tuner) -> Iterator[Connection]:
    """An open transaction that has written: a concurrent build of the table waits for its end."""
    session = tuner.cluster.connect(tuner.database)
    try:
        session.execute("begin; insert into booking (vendor) values (1)")
        yield session
    finally:
        session.close()


def ended(session: Connection) -> bool:
    """Whether the server has closed a session."""
    try:
        session.execute("select 1")
    except psycopg.OperationalError:
        return True
    return False


def started(tuner: Tuner) -> tuple[Background, int]:
    """process_actions() in a session of its own, and the process id of the backend that builds for it."""
    step = tuner.background(PROCESS)
    return step, int(until(tuner.building))


def killed(pid: int, beside: int) -> None:
    """Kill a backend while another stands still until the server tells it to quit: it may not write what it saw."""
    os.kill(beside, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    until(lambda: is_told_to_quit(beside))
    with suppress(ProcessLookupError):
        os.kill(beside, signal.SIGCONT)


def is_told_to_quit(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # who does not quit within five seconds is killed
        return True
    pending = next(line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd"))
    return bool(int(pending, 16) & 1 << (signal.SIGQUIT - 1))


def settled(tuner: Tuner, action: int, state: str) -> None:
    """Step on until the action is in its state: a step does nothing while an orphaned build goes on."""

    def reached() -> bool:
        tuner.process()
        return tuner.state(action) == state

    until(reached)


@pytest.mark.parametrize("victim", ["the build's backend", "the caller's backend"])
def test_a_kill_in_the_middle_of_a_build_is_mended_by_the_next_step(crashable: Tuner, victim: str) -> None:
    crashable.table(rows=1000)
    before = crashable.indexes()
    action = crashable.action("booking", "vendor")
    with writing(crashable) as writer:
        step, builder = started(crashable)
        until(lambda: any("INVALID" in index for index in crashable.indexes()))
        if victim == "the build's backend":
            killed(builder, beside=step.pid)
        else:
            os.kill(step.pid, signal.SIGKILL)
        step.join()
        until(lambda: ended(writer))  # else the build could still finish before the server goes down
    crashable.connect_again()
    assert crashable.state(action) == "applying"
    assert [index for index in crashable.indexes() if "INVALID" in index]
    settled(crashable, action, "verifying")
    assert len(crashable.indexes()) == len(before) + 1
    assert "INVALID" not in str(crashable.indexes())
    assert crashable.value("select attempts from _wedding_dbopt.action where id = %s", action) == 2
    reasons = crashable.column("select reason from _wedding_dbopt.event where subject = 'action' order by id")
    assert any(reason.startswith("interrupted while applying") for reason in reasons)


@pytest.mark.parametrize("kind", ["reindex", "index_drop"])
def test_a_kill_in_the_middle_of_a_rebuild_or_a_drop_leaves_no_second_and_no_half_index(
    crashable: Tuner, kind: str
) -> None:
    """T3, I16, O14."""
    crashable.table(rows=1000)
    before = crashable.indexes()
    if kind == "reindex":
        crashable.run("create index worn on booking (vendor)")
        sql = ["REINDEX INDEX CONCURRENTLY public.worn"]
    else:
        with pytest.raises(psycopg.errors.UniqueViolation):
            crashable.run("create unique index concurrently worn on booking ((1))")
        sql = []
    action = crashable.deed(kind, schema="public", table="booking", name="worn", sql=sql)
    with writing(crashable) as writer:
        step, builder = started(crashable)
        if kind == "reindex":
            until(lambda: "_ccnew" in str(crashable.indexes()))
        killed(builder, beside=step.pid)
        step.join()
        until(lambda: ended(writer))
    crashable.connect_again()
    assert crashable.state(action) == "applying"
    settled(crashable, action, "kept")
    after = before + ["CREATE INDEX worn ON public.booking USING btree (vendor)"] * (kind == "reindex")
    assert crashable.indexes() == sorted(after)


def test_a_promoted_replica_mends_what_the_lost_primary_had_begun() -> None:
    """O12, S8."""
    with prepared() as primary, fresh_database(primary) as name, primary.standby() as standby:
        with Tuner(primary, name) as tuner:
            tuner.table(rows=1000)
            tuner.table("public.guest", rows=1000)
            built, action = tuner.action("guest", "amount"), tuner.action("booking", "vendor")
            with writing(tuner):
                step = tuner.background(PROCESS)
                until(lambda: tuner.state(built) == "verifying")
                until(lambda: "INVALID" in str(tuner.indexes()))
                lsn = tuner.value("select pg_current_wal_flush_lsn()")
                with standby.connect(name) as replica:
                    reached = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
                    until(lambda: (replica.execute(reached.encode(), [lsn]).fetchone() or [False])[0])
                    replica.execute("call wedding_dbopt.process_actions()")  # does nothing, and is no error
                    with pytest.raises(psycopg.Error) as refused:
                        replica.execute(b"call wedding_dbopt.run_tuning()")
                    assert refused.value.sqlstate == "42501"
                standby.promote()
            step.join()
        with Tuner(standby, name) as tuner:  # type: ignore[arg-type]
            assert [state for _, state in tuner.actions()] == ["verifying", "applying"]
            settled(tuner, action, "verifying")
            assert "INVALID" not in str(tuner.indexes())
            assert len(tuner.indexes()) == 4


def test_a_terminated_build_is_cleaned_up_and_tried_again(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    before = tuner.indexes()
    action = tuner.action("booking", "vendor")
    with writing(tuner) as writer:
        step, builder = started(tuner)
        tuner.run("select pg_terminate_backend(%s)", builder)
        until(lambda: tuner.building() != builder)
        writer.execute("rollback")
        step.join()
    assert (tuner.state(action), tuner.indexes()) == ("approved", before)
    assert "terminating connection" in tuner.reason(action)
    tuner.process()
    assert tuner.state(action) == "verifying"


def test_a_build_whose_caller_was_terminated_is_left_to_finish_and_taken_over(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    action = tuner.action("booking", "vendor")
    with writing(tuner):
        step, builder = started(tuner)
        tuner.run("select pg_terminate_backend(%s)", step.pid)
        step.join()
        tuner.process()
        assert (tuner.state(action), tuner.building()) == ("applying", builder)
    settled(tuner, action, "verifying")
    name = tuner.name(action)
    assert (
        tuner.value(f"select obj_description('{name}'::regclass)")
        == f"Made by wedding_dbopt, action {action}"
    )
    assert tuner.value("select attempts from _wedding_dbopt.action where id = %s", action) == 1


def test_a_restart_between_any_two_writes_of_a_state_loses_nothing(crashable: Tuner) -> None:
    """What was written and what was done may be one step apart: every such pair, then a crash, then one step."""
    crashable.table(rows=1000)
    before = crashable.indexes()
    expected: dict[int, str] = {}
    for state, there, then in (
        ("approved", "none", "verifying"),
        ("applying", "none", "verifying"),
        ("applying", "invalid", "verifying"),
        ("applying", "unmarked", "verifying"),
        ("applying", "marked", "verifying"),
        ("verifying", "marked", "verifying"),
        ("verifying, rollback requested", "marked", "rolled_back"),
        ("kept, rollback requested", "invalid", "rolled_back"),
        ("kept, rollback requested", "none", "rolled_back"),
    ):
        action = crashable.action("booking", "vendor", state.split(",")[0])
        simulate(crashable, action, there)
        expected[action] = then
        crashable.run(
            """update _wedding_dbopt.action set attempts = 1, started_at = now(), rollback_requested = %s,
               applied_at = case when state in ('verifying', 'kept') then now() end where id = %s""",
            "requested" in state,
            action,
        )
    crashable.session.close()
    crashable.cluster.restart()
    crashable.connect_again()
    crashable.process()
    crashable.process()
    assert dict(crashable.actions()) == expected
    assert "INVALID" not in str(crashable.indexes())
    assert len(crashable.indexes()) == len(before) + list(expected.values()).count("verifying")
    ours = "select count(*) from pg_class where obj_description(oid, 'pg_class') like 'Made by wedding_dbopt, action %%'"
    assert crashable.value(ours) == list(expected.values()).count("verifying")


def simulate(tuner: Tuner, action: int, there: str) -> None:
    """Bring the action's index into the state in which a crash may leave it."""
    name = tuner.name(action)
    if there == "invalid":
        with pytest.raises(psycopg.errors.UniqueViolation):
            tuner.run(f"create unique index concurrently {name} on booking ((1))")
    elif there != "none":
        tuner.run(f"create index concurrently {name} on booking (vendor)")
    if there == "marked":
        tuner.run(f"comment on index {name} is 'Made by wedding_dbopt, action {action}'")


def test_pause_cancels_a_build_at_once_and_resume_completes_it(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    before = tuner.indexes()
    action = tuner.action("booking", "vendor")
    tuner.run("update _wedding_dbopt.action set attempts = 2 where id = %s", action)
    with writing(tuner) as writer:
        step, builder = started(tuner)
        tuner.run("select wedding_dbopt.pause()")
        until(lambda: tuner.building() != builder, 5)
        writer.execute("rollback")
        step.join()
    assert (tuner.state(action), tuner.indexes()) == ("approved", before)
    tuner.process()
    assert tuner.state(action) == "approved"
    tuner.run("select wedding_dbopt.resume()")
    tuner.process()
    assert tuner.state(action) == "verifying", "a pause uses up none of the attempts"


def test_pause_ends_a_build_whose_caller_is_gone(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    before = tuner.indexes()
    action = tuner.action("booking", "vendor")
    with writing(tuner):
        step, _ = started(tuner)
        tuner.run("select pg_terminate_backend(%s)", step.pid)
        step.join()
        tuner.run("select wedding_dbopt.pause()")
        tuner.process()
        until(lambda: tuner.building() is None, 5)
    settled(tuner, action, "approved")
    assert tuner.indexes() == before


def test_a_rollback_during_a_build_ends_it_and_it_is_not_tried_again(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    before = tuner.indexes()
    action = tuner.action("booking", "vendor")
    with writing(tuner) as writer:
        step, builder = started(tuner)
        tuner.run("select wedding_dbopt.rollback_action(%s)", action)
        until(lambda: tuner.building() != builder, 5)
        writer.execute("rollback")
        step.join()
    tuner.process()
    assert (tuner.state(action), tuner.indexes()) == ("withdrawn", before)


def test_what_is_withdrawn_while_another_build_runs_is_not_built(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    first, second = tuner.action("booking", "vendor"), tuner.action("booking", "amount")
    with writing(tuner) as writer:
        step, _ = started(tuner)
        tuner.run("select wedding_dbopt.rollback_action(%s)", second)
        writer.execute("rollback")
        step.join()
    assert tuner.actions() == [(first, "verifying"), (second, "withdrawn")]
    assert tuner.name(second) not in str(tuner.indexes())


def test_an_old_transaction_postpones_a_build_with_a_reason(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    before = tuner.indexes()
    action = tuner.action("booking", "vendor")
    tuner.set(long_transaction_limit="0 s")
    with writing(tuner):
        tuner.process()
        assert (tuner.state(action), tuner.indexes()) == ("approved", before)
        assert tuner.reason(action).startswith("postponed: a transaction of ")
        assert tuner.value("select attempts from _wedding_dbopt.action where id = %s", action) == 0
    tuner.set(long_transaction_limit="1 minute")
    tuner.process()
    assert tuner.state(action) == "verifying"


def test_an_old_transaction_of_another_database_postpones_nothing(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    action = tuner.action("booking", "vendor")
    tuner.set(long_transaction_limit="0 s")
    with tuner.cluster.connect() as elsewhere:
        elsewhere.execute("begin; select count(*) from pg_class")
        tuner.process()
    assert tuner.state(action) == "verifying", tuner.reason(action)


def test_a_build_that_waits_lets_writers_through_and_gives_up_in_time(tuner: Tuner) -> None:
    """E73; how long anybody waits is measured by the benchmark of locks."""
    tuner.table(rows=1000)
    before = tuner.indexes()
    action = tuner.action("booking", "vendor")
    tuner.set(concurrent_lock_timeout="0.5 minutes")
    with writing(tuner) as writer:
        step, builder = started(tuner)
        longest = 0.0
        with tuner.cluster.connect(tuner.database) as other:
            for _ in range(50):
                began = time.monotonic()
                other.execute("insert into booking (vendor, amount) values (5, 5)")
                other.execute("update booking set amount = 6 where id = (select max(id) from booking)")
                longest = max(longest, time.monotonic() - began)
        assert step.running
        assert longest < 1
        tuner.run("select wedding_dbopt.pause()")
        until(lambda: tuner.building() != builder)
        writer.execute("rollback")
        step.join()
    tuner.run("select wedding_dbopt.resume()")
    tuner.set(concurrent_lock_timeout="1 second")
    with writing(tuner) as writer:
        step, _ = started(tuner)
        until(
            lambda: (
                tuner.value("select error_sqlstate from _wedding_dbopt.action where id = %s", action)
                == "55P03"
            )
        )
        writer.execute("rollback")
        step.join()
    settled(tuner, action, "verifying")
    assert len(tuner.indexes()) == len(before) + 1
    assert "INVALID" not in str(tuner.indexes())


def test_an_action_does_not_end_while_its_half_built_index_is_there(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    before = tuner.indexes()
    action = tuner.action("booking", "vendor", "applying")
    simulate(tuner, action, "invalid")
    tuner.set(apply_attempts="0", concurrent_lock_timeout="300 ms")
    with writing(tuner):
        tuner.process()
        assert "INVALID" in str(tuner.indexes())
        assert tuner.state(action) == "applying"
        assert tuner.value("select error from _wedding_dbopt.action where id = %s", action)
    tuner.process()
    assert (tuner.state(action), tuner.indexes()) == ("failed", before)


def test_without_a_connection_of_its_own_the_tuner_says_so_and_goes_on_later(tuner: Tuner) -> None:
    tuner.table(rows=1000)
    actions = [tuner.action("booking", "vendor"), tuner.action("booking", "amount", "applying")]
    simulate(tuner, actions[1], "unmarked")
    tuner.set(executor_dsn="host=/nowhere user=nobody")
    tuner.process()
    assert tuner.state(actions[0]) == "approved"
    assert "cannot connect" in tuner.reason(actions[0])
    tuner.set(executor_dsn="")
    tuner.process()
    assert [tuner.state(action) for action in actions] == ["verifying", "verifying"]
