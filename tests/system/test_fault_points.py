"""Each type of action dies after each of its writes, on the way in and on the way out; the next steps put it right (O14)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from wedding_dbopt.tuning import actions

from tests.system.deeds import CASES, CATALOGUE, Case
from tests.system.interrupted import step
from tests.system.tuner import Tuner

INVALID = "select count(*) from pg_index where not indisvalid"
MOST_STEPS = 4
#: How often an action entered a state: each deed and each undoing once, however often it died.
ENTERED = """
select count(*) from _wedding_dbopt.event
where subject = 'action' and subject_id = %s::text and to_state = %s and from_state <> %s
"""


def settled(tuner: Tuner, action: int, state: str) -> None:
    """Steps that do not die bring the action to its state."""
    for _ in range(MOST_STEPS):
        step(tuner.cluster, tuner.database)
        if tuner.state(action) == state:
            return
    raise AssertionError(f"{tuner.state(action)} instead of {state}: {tuner.reason(action)}")


def verdict(monkeypatch: pytest.MonkeyPatch, what: str, only: int | None = None) -> None:
    """Plant a verdict on all actions; or on one only, and no other is decided then."""

    def planted(_: Any, action: dict[str, Any], __: Any) -> SimpleNamespace:
        return SimpleNamespace(
            verdict=what if only in (None, action["id"]) else "undecided", reason="planted"
        )

    monkeypatch.setattr(actions, "judge_action", planted)


def dies_everywhere(
    tuner: Tuner, app: str, case: Case, monkeypatch: pytest.MonkeyPatch, catalogue: Callable[[], Any]
) -> None:
    """Do and undo a case, dying after the first, second, ... write of each, until there is no further one."""
    tuner.set(apply_attempts="100")
    before = catalogue()
    for last in itertools.count(1):
        verdict(monkeypatch, "undecided")
        action = case.enqueue(tuner, app)
        died = step(tuner.cluster, tuner.database, last)
        settled(tuner, action, "verifying" if case.undone else "kept")
        assert case.is_done(tuner, app)
        assert tuner.value(ENTERED, action, "verifying", "verifying") == 1
        if case.undone:
            tuner.run("select wedding_dbopt.rollback_action(%s)", action)
            step(tuner.cluster, tuner.database, last)
            settled(tuner, action, "rolled_back")
            assert tuner.value("select error from _wedding_dbopt.action where id = %s", action) is None
            assert tuner.value(ENTERED, action, "rolled_back", "rolled_back") == 1
        assert (catalogue(), tuner.value(INVALID)) == (before, 0)
        if not died:
            break
    assert last > 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_action_that_dies_after_any_of_its_writes_is_put_right(
    tuner: Tuner, app: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner.table(rows=500)
    case.prepare(tuner, app)
    dies_everywhere(tuner, app, case, monkeypatch, lambda: tuner.value(CATALOGUE))


def hidden_for_an_hour(tuner: Tuner, app: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Case, int]:
    """An index that is to be hidden for an hour at least, and judged good at every look."""
    (case,) = (case for case in CASES if case.name == "index_drop")
    tuner.table(rows=500)
    case.prepare(tuner, app)
    tuner.set(hidden_index_window="1 hour")
    verdict(monkeypatch, "kept")
    return case, case.enqueue(tuner, app)


def test_a_hidden_index_is_not_dropped_before_its_time_however_good_the_verdict(
    tuner: Tuner, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T16."""
    case, action = hidden_for_an_hour(tuner, app, monkeypatch)
    for _ in range(3):
        step(tuner.cluster, tuner.database)
        assert (tuner.state(action), case.is_done(tuner, app)) == ("verifying", True)
    tuner.set(hidden_index_window="0 s")
    settled(tuner, action, "kept")
    assert tuner.value("select to_regclass('public.old')") is None


def test_a_hidden_index_that_nobody_missed_keeps_nobody_waiting_but_its_drop_waits_for_younger_deeds(
    tuner: Tuner, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, drop = hidden_for_an_hour(tuner, app, monkeypatch)
    settled(tuner, drop, "verifying")
    verdict(monkeypatch, "undecided")
    younger = tuner.action("public.booking", "vendor")
    run = tuner.value(
        """insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, state)
           values ('call', 'other', now(), 'moderate', false, 'verifying') returning id"""
    )
    tuner.run("update _wedding_dbopt.action set run_id = %s where id = %s", run, younger)
    step(tuner.cluster, tuner.database)
    assert tuner.state(younger) == "approved"  # nobody has said yet that the hidden one is not missed
    tuner.run("update _wedding_dbopt.action set verdict = 'kept: nobody missed it' where id = %s", drop)
    settled(tuner, younger, "verifying")
    tuner.set(hidden_index_window="0 s")
    verdict(monkeypatch, "kept", only=drop)
    step(tuner.cluster, tuner.database)
    assert (tuner.state(drop), tuner.state(younger)) == ("verifying", "verifying")
    verdict(monkeypatch, "kept")
    settled(tuner, younger, "kept")
    settled(tuner, drop, "kept")
    assert tuner.value("select to_regclass('public.old')") is None


@pytest.mark.parametrize(("kind", "old"), [("index_drop", "old"), ("index_renewal", "dated_old")])
def test_an_index_that_dies_after_any_write_of_its_end_is_dropped_once_and_comes_back(
    tuner: Tuner, app: str, monkeypatch: pytest.MonkeyPatch, kind: str, old: str
) -> None:
    (case,) = (case for case in CASES if case.name == kind)
    tuner.table(rows=500)
    case.prepare(tuner, app)
    before = tuner.value(CATALOGUE)
    for last in itertools.count(1):
        verdict(monkeypatch, "undecided")
        action = case.enqueue(tuner, app)
        settled(tuner, action, "verifying")
        verdict(monkeypatch, "kept")
        died = step(tuner.cluster, tuner.database, last)
        settled(tuner, action, "kept")
        assert tuner.value("select to_regclass(%s)", f"public.{old}") is None
        tuner.run("select wedding_dbopt.rollback_action(%s)", action)
        step(tuner.cluster, tuner.database, last)
        settled(tuner, action, "rolled_back")
        assert (tuner.value(CATALOGUE), tuner.value(INVALID)) == (before, 0)
        if not died:
            break
    assert last > 2
