"""Deaths between two writes of a deed outside the database's catalogue: a pool, a job of pg_cron, the run itself (O14)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from wedding_dbopt.tuning.run import run_now

from tests.cluster import Cluster
from tests.system.deeds import CATALOGUE, Case
from tests.system.interrupted import dies
from tests.system.pgbouncer import PgBouncer
from tests.system.test_fault_points import dies_everywhere
from tests.system.tuner import Tuner, until

JOBS = "select coalesce(string_agg(concat_ws(' ', jobname, schedule, command), ', '), '') from cron.job"


def test_a_pools_size_is_set_once_and_brought_back_whatever_dies(
    cluster: Cluster, tuner: Tuner, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner.table(rows=500)
    case = Case(
        "size of a pool",
        "connection_scaling",
        "pooler",
        target="default_pool_size",
        details={"parameter": "default_pool_size", "value": "12"},
    )
    with PgBouncer(cluster, tuner.database, app, default_pool_size=3) as bouncer:
        tuner.set(pgbouncer_dsn=bouncer.console)
        dies_everywhere(tuner, app, case, monkeypatch, lambda: bouncer.show("default_pool_size"))
        assert bouncer.show("default_pool_size") == "3"


@pytest.fixture(scope="module")
def with_cron() -> Iterator[Tuner]:
    with Cluster() as running:
        running.install("test", "hypopg", "pg_cron")
        with Tuner(running, "test") as tuner:
            tuner.run("create role clerk")
            yield tuner


def test_a_view_is_never_left_without_its_refresh_nor_the_refresh_without_its_view(
    with_cron: Tuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner = with_cron
    tuner.table(rows=500)
    tuner.run("grant select on booking to clerk")
    case = Case(
        "view of an aggregate",
        "cache_optimization",
        "materialized view",
        target="totals",
        details={
            "query": "SELECT vendor, sum(amount) AS total FROM public.booking GROUP BY vendor",
            "tables": ['"public"."booking"'],
            "access": {"owner": "postgres", "readers": ["clerk"]},
            "key": ["vendor"],
            "index": "totals_key",
            "refresh": {
                "job": "refresh totals",
                "schedule": "59 23 31 12 *",
                "command": "refresh materialized view concurrently public.totals",
            },
        },
        done="select (select indisvalid from pg_index where indexrelid = 'public.totals_key'::regclass) "
        "and (select count(*) = 1 from cron.job where jobname = 'refresh totals') "
        "and has_table_privilege('clerk', 'public.totals', 'select')",
    )
    dies_everywhere(tuner, "clerk", case, monkeypatch, lambda: (tuner.value(CATALOGUE), tuner.value(JOBS)))


def next_step_leaves_no_run_open(tuner: Tuner) -> bool:
    tuner.run("call _wedding_dbopt.process_queued_runs(clock_timestamp())")
    return not tuner.rows("select from _wedding_dbopt.tuning_run where state in ('queued', 'running')")


def test_a_run_that_dies_after_any_of_its_writes_enqueues_nothing_twice_and_forgets_nothing(
    tuner: Tuner,
) -> None:
    """What a dead run left is failed as interrupted; the next run enqueues what is still to do, each once, with its event."""
    tuner.table()
    tuner.set(mode_index_creation="approve")
    tuner.observed("select sum(amount) from booking where vendor = {number}")
    for last in itertools.count(1):
        died = dies(
            tuner.cluster,
            tuner.database,
            last,
            lambda session: run_now(session, "moderate", False, False, None),
        )
        # The server notices a moment later that the session is gone, and until then its lock keeps the next run away.
        until(lambda: next_step_leaves_no_run_open(tuner))
        tuner.tune()
        until(lambda: next_step_leaves_no_run_open(tuner))
        states = tuner.column("select distinct state from _wedding_dbopt.tuning_run order by 1")
        assert set(states) <= {"failed", "finished"}, states
        assert tuner.rows(
            """select a.state, count(*), count(distinct e.id), bool_and(r.status in ('open', 'taken'))
               from _wedding_dbopt.action a join _wedding_dbopt.recommendation r on r.id = a.recommendation_id
               left join _wedding_dbopt.event e on e.subject = 'action' and e.subject_id = a.id::text
               where a.action_type = 'index_creation' and a.table_name = 'booking' group by a.state"""
        ) == [("proposed", 1, 1, True)]
        tuner.run("delete from _wedding_dbopt.action")
        tuner.run("delete from _wedding_dbopt.recommendation")
        tuner.run("delete from _wedding_dbopt.tuning_run")
        if not died:
            break
    assert last > 4
