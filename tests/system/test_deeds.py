"""Every type of action: done, marked, judged, undone to the letter, and left alone when somebody else was there."""

from __future__ import annotations

import pytest

from tests.system.deeds import CASES, CATALOGUE, Case
from tests.system.tuner import Tuner

_ROLE = """
select coalesce(setconfig, '{}') from pg_roles r left join pg_db_role_setting s on s.setrole = r.oid and s.setdatabase = 0
where rolname = %s
"""


def settings_of(tuner: Tuner, role: str) -> list[str]:
    return sorted(tuner.value(_ROLE, role))


def parameter(tuner: Tuner, kind: str, name: str | None, value: str = "32MB", **details: str) -> int:
    return tuner.deed(
        "parameter_adjustment",
        object_kind=kind,
        name=name,
        details={"parameter": "work_mem", "value": value, **details},
    )


def test_a_parameter_of_a_role_is_set_and_its_undo_brings_the_old_value_back(tuner: Tuner, app: str) -> None:
    tuner.run(f"alter role {app} set work_mem = '5MB'")
    tuner.run(f"alter role {app} set jit = off")
    before = settings_of(tuner, app)
    action = parameter(tuner, "role", app)
    tuner.process()
    assert tuner.state(action) == "verifying", tuner.reason(action)
    assert settings_of(tuner, app) == ["jit=off", "work_mem=32MB"]
    assert "SET \"work_mem\" = '5MB'" in tuner.value(
        "select rollback_sql from wedding_dbopt.get_actions() where id = %s", action
    )
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert (tuner.state(action), settings_of(tuner, app)) == ("rolled_back", before)
    assert tuner.value("select error from _wedding_dbopt.action where id = %s", action) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_done_and_its_undo_leaves_the_catalogue_as_it_was(tuner: Tuner, app: str, case: Case) -> None:
    """E62, E63, E77, E99, T11."""
    tuner.table(rows=500)
    case.prepare(tuner, app)
    before = tuner.value(CATALOGUE)
    action = case.enqueue(tuner, app)
    tuner.process()
    assert tuner.state(action) == ("verifying" if case.undone else "kept"), tuner.reason(action)
    assert case.is_done(tuner, app)
    assert (tuner.value(CATALOGUE) != before) == case.undone
    shown = tuner.row(
        "select sql_executed, rollback_sql, locks from wedding_dbopt.get_actions() where id = %s", action
    )
    assert shown[0] and shown[2] and bool(shown[1]) == case.undone
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert tuner.state(action) == ("rolled_back" if case.undone else "kept"), tuner.reason(action)
    assert tuner.value("select error from _wedding_dbopt.action where id = %s", action) is None
    assert tuner.value(CATALOGUE) == before


def test_a_parameter_that_somebody_set_meanwhile_is_theirs(tuner: Tuner, app: str) -> None:
    action = parameter(tuner, "role", app)
    tuner.process()
    tuner.run(f"alter role {app} set work_mem = '128MB'")
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert (tuner.state(action), tuner.reason(action)) == ("withdrawn", "somebody set work_mem to 128MB")
    assert settings_of(tuner, app) == ["work_mem=128MB"]


def test_a_role_that_is_gone_ends_its_action(tuner: Tuner) -> None:
    action = parameter(tuner, "role", "nobody at all")
    tuner.process()
    assert (tuner.state(action), tuner.reason(action)) == ("withdrawn", "the role nobody at all is gone")
