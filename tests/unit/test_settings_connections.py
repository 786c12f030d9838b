"""Limits of roles and sizes of pools on planted figures."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from wedding_dbopt.settings import connection_limits, pool_size
from wedding_dbopt.settings.connections import Connections, RoleLoad
from wedding_dbopt.settings.pool_size import Pooler

CONNECTIONS = Connections(
    "wedding",
    usable=100,
    peak=80,
    busy=4.0,
    roles=(
        RoleLoad("app", False, 40, 8),
        RoleLoad("report", False, 30, 2),
        RoleLoad("postgres", True, 10, 1),
    ),
)


def figures(**changes: object) -> Connections:
    return replace(CONNECTIONS, **changes)  # type: ignore[arg-type]


def limits(connections: Connections) -> dict[str, int]:
    return connection_limits.precondition(connections)


def test_e68_above_seventy_percent_roles_get_limits_that_leave_room_for_each_other() -> None:
    advised = limits(CONNECTIONS)
    assert set(advised) == {"app", "report"}
    assert sum(advised.values()) <= 100
    assert advised["app"] >= 43
    assert advised["report"] >= 33


def test_at_seventy_percent_and_below_nothing_is_limited() -> None:
    assert limits(figures(peak=70)) == {}


def test_nobody_gets_less_than_he_was_seen_to_hold() -> None:
    crowded = figures(roles=(RoleLoad("app", False, 60, 8), RoleLoad("report", False, 45, 2)))
    assert limits(crowded) == {}
    tight = figures(roles=(RoleLoad("app", False, 55, 8), RoleLoad("report", False, 35, 2)))
    assert limits(tight) == {"app": 60, "report": 39}


def test_a_single_role_is_not_limited_and_a_limit_that_fits_stays() -> None:
    assert limits(figures(roles=CONNECTIONS.roles[:1])) == {}
    settled = figures(
        roles=tuple(replace(role, limit=limits(CONNECTIONS).get(role.role, -1)) for role in CONNECTIONS.roles)
    )
    assert limits(settled) == {}


def test_the_undoing_of_a_limit_is_the_old_one() -> None:
    old = figures(roles=(RoleLoad("app", False, 40, 8, limit=200), RoleLoad("report", False, 30, 2)))
    undo = [advice.rollback_sql[0] for advice in connection_limits.advise(old)]
    assert undo == ['alter role "app" connection limit 200', 'alter role "report" connection limit -1']


def test_e96_limits_rise_with_the_season_and_are_bound_to_it() -> None:
    quiet = figures(peak=20, roles=(RoleLoad("app", False, 12, 3), RoleLoad("report", False, 5, 1)))
    assert limits(quiet) == {}
    eve = replace(
        quiet, coming_factor=4.0, coming="the season wedding begins within two days", season="wedding"
    )
    advised = {advice.target.name: advice for advice in connection_limits.advise(eve)}
    assert limits(eve)["app"] == math.ceil(12 * 4 * 1.25) + 3
    assert "4.0 times today's load is coming: the season wedding" in advised["app"].reason
    assert {advice.season for advice in advised.values()} == {"wedding"}
    assert {advice.season for advice in connection_limits.advise(CONNECTIONS)} == {None}


def test_a_database_that_shares_its_server_leaves_the_others_theirs() -> None:
    shared = figures(peak=75, other_databases=10, roles=())
    (advice,) = connection_limits.advise(shared)
    assert advice.sql == ('alter database "wedding" connection limit 87',)
    assert advice.rollback_sql == ('alter database "wedding" connection limit -1',)
    assert list(connection_limits.advise(figures(peak=95, other_databases=10, roles=()))) == []


# ---------------------------------------------------------------------- pools

POOLER = Pooler(default_pool_size=20, max_db_connections=100, pools=1, active=5)


def sizes(connections: Connections, pooler: Pooler) -> dict[str, str]:
    return {advice.parameter or "": advice.value or "" for advice in pool_size.advise(connections, pooler)}


@pytest.mark.parametrize("busy", [0.0, 0.5, 1.0, 4.0, 12.4, 100.0])
def test_staffing_is_that_of_pool_size_in_sql(busy: float) -> None:
    assert pool_size.staffed(busy) == math.ceil(busy + 2 * math.sqrt(busy))


def test_clients_that_wait_get_a_larger_pool() -> None:
    waiting = replace(POOLER, default_pool_size=3, active=3, waiting=8, longest_wait_s=1.0)
    calm = figures(peak=20, busy=3.0)
    assert sizes(calm, waiting) == {"default_pool_size": str(math.ceil(11 + 2 * math.sqrt(11)))}
    (advice,) = pool_size.advise(calm, waiting)
    assert (advice.sql, advice.rollback_sql) == (
        ("SET default_pool_size = 18",),
        ("SET default_pool_size = 3",),
    )


def test_a_pool_that_is_too_large_shrinks_when_connections_run_short_but_never_below_what_works() -> None:
    assert sizes(figures(peak=90), replace(POOLER, default_pool_size=80)) == {"default_pool_size": "8"}
    working = replace(POOLER, default_pool_size=80, active=30)
    assert sizes(figures(peak=90), working) == {"default_pool_size": "31"}
    assert sizes(figures(peak=50), replace(POOLER, default_pool_size=80)) == {}


def test_e96_pools_grow_for_the_season_that_comes_and_within_the_servers_connections() -> None:
    eve = figures(peak=20, busy=4.0, coming_factor=4.0, coming="the season wedding begins within two days")
    small = replace(POOLER, default_pool_size=8)
    assert sizes(eve, small) == {"default_pool_size": "24"}  # 16 + 2 x 4
    assert (
        sizes(eve, replace(small, default_pool_size=9, pools=10)) == {}
    )  # ten pools of ten already fill the server
    assert sizes(replace(eve, coming_factor=1.0), small) == {}


def test_an_unlimited_pooler_is_bounded_by_the_server() -> None:
    assert sizes(CONNECTIONS, replace(POOLER, default_pool_size=8, max_db_connections=0)) == {
        "max_db_connections": "100"
    }


def test_without_cause_or_load_the_pools_stay() -> None:
    assert sizes(figures(peak=20), POOLER) == {}
    assert sizes(figures(busy=0.0), replace(POOLER, default_pool_size=90)) == {}
