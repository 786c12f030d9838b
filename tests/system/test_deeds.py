"""Every type of action: done, marked, judged, undone to the letter, and left alone when somebody else was there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.tuner import Tuner

_ROLE = """
select coalesce(setconfig, '{}') from pg_roles r left join pg_db_role_setting s on s.setrole = r.oid and s.setdatabase = 0
where rolname = %s
"""
_CATALOGUE = """
select string_agg(x::text, ' ') from (select setconfig from pg_db_role_setting union all select proconfig from pg_proc) as s (x)
"""
_FILE = """
select coalesce(string_agg(setting, ' '), '') from pg_file_settings
where name = 'work_mem' and sourcefile like '%auto.conf'
"""


@pytest.fixture
def app(tuner: Tuner, role: str) -> Iterator[str]:
    """A role with a setting of its own, which every undo must leave as it is."""
    tuner.run(f"alter role {role} set work_mem = '5MB'")
    tuner.run(f"alter role {role} set jit = off")
    yield role
    tuner.run(f"alter role {role} reset all")


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


@pytest.mark.parametrize("scope", ["role in database", "database", "function", "system"])
def test_a_parameter_is_set_in_every_scope_and_undone(tuner: Tuner, app: str, scope: str) -> None:
    tuner.run("create function public.search() returns integer language sql as 'select 1'")
    kind, name = {
        "role in database": ("role", app),
        "database": ("database", tuner.database),
        "function": ("function", "public.search()"),
        "system": ("system", None),
    }[scope]
    before = tuner.value(_CATALOGUE), tuner.value(_FILE)
    action = parameter(
        tuner, kind, name, **({"database": tuner.database} if scope == "role in database" else {})
    )
    tuner.process()
    assert tuner.state(action) == "verifying", tuner.reason(action)
    assert "32MB" in f"{tuner.value(_CATALOGUE)} {tuner.value(_FILE)}"
    if scope == "system":
        assert tuner.value("show work_mem") == "32MB"
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert tuner.state(action) == "rolled_back", tuner.reason(action)
    assert (tuner.value(_CATALOGUE), tuner.value(_FILE)) == before


def test_a_parameter_that_somebody_set_meanwhile_is_theirs(tuner: Tuner, app: str) -> None:
    action = parameter(tuner, "role", app)
    tuner.process()
    tuner.run(f"alter role {app} set work_mem = '128MB'")
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert (tuner.state(action), tuner.reason(action)) == ("withdrawn", "somebody set work_mem to 128MB")
    assert settings_of(tuner, app) == ["jit=off", "work_mem=128MB"]


def test_a_role_that_is_gone_ends_its_action(tuner: Tuner) -> None:
    action = parameter(tuner, "role", "nobody at all")
    tuner.process()
    assert (tuner.state(action), tuner.reason(action)) == ("withdrawn", "the role nobody at all is gone")
