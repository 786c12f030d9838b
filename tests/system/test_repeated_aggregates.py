"""A repeated aggregate becomes a materialised view: with consent only, shown to nobody who may not see its tables."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.cluster import Cluster
from tests.system.tuner import Tuner

AGGREGATE = "select vendor, count(*) as n, sum(amount) as total from public.booking group by vendor"
SCHEMA = """
create role keeper; create role clerk; create role half; create role stranger;
create table public.booking (id serial primary key, vendor integer, amount integer);
insert into public.booking (vendor, amount) select g % 50, g from generate_series(1, 60000) g;
alter table public.booking owner to keeper;
grant usage on schema public to keeper, clerk, half, stranger;
grant select on public.booking to clerk;
grant select (vendor) on public.booking to half;
alter default privileges grant all on tables to stranger;
"""
VIEW = "select object_name from _wedding_dbopt.recommendation where object_kind = 'materialized view' and status = 'open'"
ACTION = (
    "select id from _wedding_dbopt.action where object_kind = 'materialized view' order by id desc limit 1"
)


@pytest.fixture(scope="module")
def platform() -> Iterator[Tuner]:
    with Cluster() as cluster:
        cluster.install("test", "hypopg", "pg_cron")
        with Tuner(cluster, "test") as tuner:
            tuner.run(SCHEMA)
            tuner.run("vacuum analyze public.booking")
            tuner.set(mode_index_creation="off", mode_statistics="off", mode_cache_optimization="approve")
            tuner.observed(AGGREGATE, times=60)
            yield tuner


def made(tuner: Tuner) -> str:
    """The name of the view that a run advises, approved and made."""
    tuner.tune("optimization_level => 'aggressive'")
    action = tuner.value(ACTION)
    assert tuner.state(action) == "proposed"
    tuner.run("select wedding_dbopt.approve(%s)", action)
    tuner.process()
    why = tuner.value(
        "select string_agg(reason, '; ') from _wedding_dbopt.event where subject = 'action' and subject_id = %s",
        str(action),
    )
    assert tuner.state(action) in ("verifying", "kept"), why
    return str(tuner.value("select object_name from _wedding_dbopt.action where id = %s", action))


def reads(tuner: Tuner, role: str, view: str) -> bool:
    tuner.run(f"set role {role}")
    try:
        tuner.run(f'select * from public."{view}"')
    except psycopg.errors.InsufficientPrivilege:
        return False
    finally:
        tuner.run("reset role")
    return True


def test_it_is_advised_at_the_level_aggressive_alone_and_waits_for_consent_in_mode_auto(
    platform: Tuner,
) -> None:
    platform.tune("optimization_level => 'moderate'")
    assert platform.column(VIEW) != []
    assert platform.value(ACTION) is None
    platform.set(mode_cache_optimization="auto")
    platform.tune("optimization_level => 'aggressive'")
    assert platform.state(platform.value(ACTION)) == "proposed"
    platform.set(mode_cache_optimization="approve")
    platform.run("delete from _wedding_dbopt.action where object_kind = 'materialized view'")


def test_it_is_made_refreshed_and_taken_away_again(platform: Tuner) -> None:
    view = made(platform)
    rows = f'select * from public."{view}" order by 1'
    assert platform.rows(rows) == platform.rows(f"{AGGREGATE} order by 1")
    assert platform.value("select relowner::regrole::text from pg_class where relname = %s", view) == "keeper"
    assert [reads(platform, role, view) for role in ("clerk", "half", "stranger")] == [True, False, False]
    schedule, command = platform.row(
        "select schedule, command from cron.job where jobname = %s",
        f'wedding_dbopt refresh "public"."{view}"',
    )
    assert schedule == "*/15 * * * *"
    platform.run("insert into public.booking (vendor, amount) values (7, 1000000), (null, 5)")
    assert platform.rows(rows) != platform.rows(f"{AGGREGATE} order by 1")
    platform.run(command)
    assert platform.rows(rows) == platform.rows(f"{AGGREGATE} order by 1")
    platform.run("select wedding_dbopt.rollback_action(%s)", platform.value(ACTION))
    platform.process()
    assert platform.state(platform.value(ACTION)) == "rolled_back"
    assert platform.value("select to_regclass(%s)", f'public."{view}"') is None
    assert platform.value("select count(*) from cron.job where command = %s", command) == 0


def test_a_table_that_hides_rows_gets_none_and_one_that_does_since_the_advice_keeps_its_rows(
    platform: Tuner,
) -> None:
    platform.run("delete from _wedding_dbopt.action where object_kind = 'materialized view'")
    platform.tune("optimization_level => 'aggressive'")
    action = platform.value(ACTION)
    platform.run("alter table public.booking enable row level security")
    platform.run("select wedding_dbopt.approve(%s)", action)
    platform.process()
    assert platform.state(action) == "withdrawn"
    assert platform.value("select count(*) from pg_matviews") == 0
    platform.tune("optimization_level => 'aggressive'")
    assert platform.column(VIEW) == []
    platform.run("alter table public.booking disable row level security")


def test_who_may_no_longer_read_the_table_may_not_read_it_in_the_view(platform: Tuner) -> None:
    """Kept or under judgement, paused or not: the next tick takes the right; the statement that is left alone goes on."""
    platform.run("delete from _wedding_dbopt.action where object_kind = 'materialized view'")
    platform.run("create role other; grant usage on schema public to other; grant select on booking to other")
    view = made(platform)
    action = platform.value(ACTION)
    assert [reads(platform, role, view) for role in ("clerk", "other", "keeper")] == [True, True, True]
    platform.run("revoke select on booking from clerk")
    platform.run("update _wedding_dbopt.action set state = 'kept' where id = %s", action)
    platform.run("update _wedding_dbopt.tuning_run set state = 'finished'")
    platform.run("select wedding_dbopt.pause()")
    platform.tick()
    assert [reads(platform, role, view) for role in ("clerk", "other", "keeper")] == [False, True, True]
    assert platform.reason(action) == "clerk may no longer read its tables, so not it either"
    assert platform.value("select _wedding_dbopt.pending('actions')") is False
    platform.run("grant select on booking to clerk")
    platform.run("alter table booking enable row level security")
    platform.tick()
    assert platform.state(action) == "rolled_back"
    assert platform.value("select to_regclass(%s)", f'public."{view}"') is None
    assert "would show too much" in platform.reason(action)
    platform.run("alter table booking disable row level security")
    platform.run("select wedding_dbopt.resume()")


def test_a_view_of_a_table_that_changed_its_owner_goes(platform: Tuner) -> None:
    platform.run("delete from _wedding_dbopt.action where object_kind = 'materialized view'")
    view = made(platform)
    platform.run("alter table booking owner to other")
    platform.process()
    assert platform.state(platform.value(ACTION)) == "rolled_back"
    assert platform.value("select to_regclass(%s)", f'public."{view}"') is None
    platform.run("alter table booking owner to keeper")
