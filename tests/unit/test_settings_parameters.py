"""The advisers of parameters on planted figures: sound where the evidence is, silent where it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wedding_dbopt.query import Query
from wedding_dbopt.settings import (
    autovacuum,
    checkpoints,
    effective_cache_size,
    io_concurrency,
    io_timing,
    jit,
    log_settings,
    maintenance_work_mem,
    memory_promise,
    plan_cache_mode,
    random_page_cost,
    restart,
    statistics_target,
    timeouts,
    work_mem,
)
from wedding_dbopt.settings.advice import Advice, Affected
from wedding_dbopt.settings.figures import MEMORY_SHARE, Finding, Server, fits, promised
from wedding_dbopt.settings.kept_plans import compared_column
from wedding_dbopt.settings.log_settings import Events
from wedding_dbopt.settings.parameters import Parameter, for_database, for_role, for_system, in_bytes
from wedding_dbopt.settings.plan_cache_mode import Cached
from wedding_dbopt.settings.timeouts import RoleUse
from wedding_dbopt.settings.work_mem import Spill

GB, MB = 2**30, 2**20
PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter("work_mem", "4096", "kB"),
        Parameter("hash_mem_multiplier", "2"),
        Parameter("shared_buffers", "131072", "8kB", "postmaster"),
        Parameter("maintenance_work_mem", "65536", "kB"),
        Parameter("autovacuum_max_workers", "3", None, "postmaster"),
        Parameter("random_page_cost", "4"),
        Parameter("effective_cache_size", "524288", "8kB"),
        Parameter("max_wal_size", "1024", "MB", "sighup"),
        Parameter("checkpoint_timeout", "300", "s", "sighup"),
        Parameter("checkpoint_completion_target", "0.9", None, "sighup"),
        Parameter("jit", "on"),
        Parameter("track_io_timing", "off", None, "superuser"),
        Parameter("idle_in_transaction_session_timeout", "0", "ms"),
        Parameter("statement_timeout", "0", "ms"),
        Parameter("default_statistics_target", "10"),
        Parameter("effective_io_concurrency", "1"),
        Parameter("autovacuum", "on", None, "sighup"),
        Parameter("vacuum_cost_limit", "200"),
        Parameter("autovacuum_vacuum_cost_limit", "-1", None, "sighup"),
        Parameter("log_lock_waits", "off", None, "superuser"),
        Parameter("log_temp_files", "-1", "kB", "superuser"),
        Parameter("log_checkpoints", "off", None, "sighup"),
        Parameter("max_connections", "600", None, "postmaster"),
    )
}
SERVER = Server(
    "wedding",
    PARAMETERS,
    hours=24.0,
    memory=16 * GB,
    memory_available=8 * GB,
    backend_memory=8 * MB,
    connections_peak=40,
    active_peak=10,
    connections_usable=97,
    by_role={"app": 30, "report": 5},
    season_factor=1.0,
    disk_free=50 * GB,
    disk_total=100 * GB,
)


def found(kind: str, subject: str = "", **evidence: object) -> Finding:
    return Finding(kind, subject or kind, f"{kind} was found.", evidence)


def with_findings(*findings: Finding, **changes: object) -> Server:
    return replace(SERVER, findings=findings, **changes)  # type: ignore[arg-type]


def with_parameter(server: Server, name: str, **changes: object) -> Server:
    changed = replace(server.parameters[name], **changes)  # type: ignore[arg-type]
    return replace(server, parameters={**server.parameters, name: changed})


def spill(**changes: object) -> Spill:
    """1,000 calls a day that each write 20 MB."""
    whole = Spill(
        Affected(1, "vendor_search", "high", 5000.0),
        "app",
        False,
        1000,
        120_000.0,
        2560 * 1000,
        None,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- scopes and their undoing


def test_a_role_gets_its_own_value_back_or_none() -> None:
    change = for_role(PARAMETERS["work_mem"], 'we"ird', "wedding", "64MB", None)
    assert change.sql == ("""alter role "we""ird" in database "wedding" set work_mem = '64MB'""",)
    assert change.rollback_sql == ("""alter role "we""ird" in database "wedding" reset work_mem""",)
    back = for_role(PARAMETERS["work_mem"], "app", "wedding", "64MB", "8MB").rollback_sql
    assert back == ("""alter role "app" in database "wedding" set work_mem = '8MB'""",)


def test_the_server_is_reloaded_after_the_change_and_after_its_undoing() -> None:
    change = for_system(replace(PARAMETERS["max_wal_size"], auto_value="2GB"), "4GB")
    assert change.sql[0] == "alter system set max_wal_size = '4GB'"
    assert change.rollback_sql[0] == "alter system set max_wal_size = '2GB'"
    assert change.sql[1] == change.rollback_sql[1] == "select pg_catalog.pg_reload_conf()"
    assert for_system(PARAMETERS["max_wal_size"], "4GB").rollback_sql[0] == "alter system reset max_wal_size"


@pytest.mark.parametrize(
    "parameter",
    [PARAMETERS["shared_buffers"], replace(PARAMETERS["max_wal_size"], source="command line")],
    ids=["needs a restart", "fixed on the command line"],
)
def test_what_a_reload_does_not_change_is_never_set(parameter: Parameter) -> None:
    with pytest.raises(ValueError, match="cannot be set by a reload"):
        for_system(parameter, "1")


def test_a_database_gets_its_own_value_back() -> None:
    change = for_database(replace(PARAMETERS["jit"], database_value="on"), "wedding", "off")
    assert change.rollback_sql == ("""alter database "wedding" set jit = 'on'""",)


@pytest.mark.parametrize(
    ("text", "size"), [("64MB", 64 * MB), ("4096", 4 * MB), ("1GB", GB), ("512kB", MB // 2)]
)
def test_values_with_units_are_read(text: str, size: int) -> None:
    assert in_bytes(text) == size


# ---------------------------------------------------------------------- the guard of memory


def test_the_memory_promised_counts_every_connection_of_the_season() -> None:
    # 1 GB shared, 3 x 64 MB of maintenance, 40 x (8 MB own + 2 x 4 MB work_mem)
    assert promised(SERVER, {}) == GB + 192 * MB + 40 * 16 * MB
    double = replace(SERVER, season_factor=2.0)
    assert promised(double, {}) == GB + 192 * MB + 80 * 16 * MB
    quadruple = replace(SERVER, season_factor=4.0)
    assert promised(quadruple, {}) == GB + 192 * MB + 97 * 16 * MB  # no more than may connect


@pytest.mark.parametrize("missing", ["memory", "connections_peak"])
def test_without_a_figure_nothing_fits(missing: str) -> None:
    assert fits(SERVER, {})
    assert not fits(replace(SERVER, **{missing: None}), {})  # type: ignore[arg-type]


# ---------------------------------------------------------------------- work_mem


def only(advices: object) -> Advice:
    (one,) = list(advices)  # type: ignore[call-overload]
    assert isinstance(one, Advice)
    return one


def test_a_role_whose_statements_spill_gets_the_memory_they_need() -> None:
    advice = only(work_mem.advise([spill()], SERVER))
    # 20 MB written, 2.5 times that in memory, on top of 4 MB: 64 MB
    assert advice.sql == ("""alter role "app" in database "wedding" set work_mem = '64MB'""",)
    assert advice.rollback_sql == ("""alter role "app" in database "wedding" reset work_mem""",)
    assert (advice.level, advice.goal, advice.context) == ("conservative", "gain", "vendor_search")
    assert "20.0 MB a call over 1000 calls" in advice.reason
    assert advice.gain_ms_per_hour is None
    assert "track_io_timing" in advice.basis


def test_the_gain_of_memory_is_the_measured_time_of_the_temporary_blocks() -> None:
    measured = replace(SERVER, blocks_read=100_000, read_ms=500.0)  # 0.005 ms a block
    advice = only(work_mem.advise([spill()], measured))
    assert advice.gain_ms_per_hour == pytest.approx(2 * 2560 * 1000 * 0.005 / 24, rel=1e-3)
    assert advice.gain_percent == pytest.approx(100 * 25_600 / 120_000, rel=1e-3)


def test_a_function_that_spills_is_given_memory_itself() -> None:
    called = spill(function="public.top_vendors(integer)", function_schema="public", function_value="8MB")
    advice = only(work_mem.advise([called], SERVER))
    assert advice.sql == ("alter function public.top_vendors(integer) set work_mem = '64MB'",)
    assert advice.rollback_sql == ("alter function public.top_vendors(integer) set work_mem = '8MB'",)


@pytest.mark.parametrize(
    "changes",
    [
        {"calls": 5, "temp_blocks": 2560 * 5},
        {"temp_blocks": 1000},
        {"superuser": True},
        {"temp_blocks": 2560 * 1000 * 100},
        {"own_value": "64MB", "temp_blocks": 0, "calls": 1000},
    ],
    ids=["rare", "little", "superuser", "too large for memory", "spills nothing now"],
)
def test_no_memory_without_evidence(changes: dict[str, object]) -> None:
    assert list(work_mem.advise([spill(**changes)], SERVER)) == []


def test_no_memory_that_the_machine_does_not_have() -> None:
    small = replace(SERVER, memory=2 * GB + 512 * MB)
    assert list(work_mem.advise([spill()], small)) == []
    season = replace(SERVER, memory=8 * GB, season_factor=4.0)  # fits today, not in the season
    assert list(work_mem.advise([spill()], replace(season, season_factor=1.0)))
    assert list(work_mem.advise([spill()], season)) == []


def test_no_memory_after_a_few_minutes_of_history() -> None:
    assert list(work_mem.advise([spill()], replace(SERVER, hours=0.2))) == []


def test_what_one_spill_needs_decides_and_a_hopeless_one_is_left_out() -> None:
    hopeless = spill(statement=Affected(2), temp_blocks=2560 * 1000 * 100)
    advice = only(work_mem.advise([spill(), hopeless], SERVER))
    assert (advice.value, advice.statements) == ("64MB", (1,))


def test_promised_memory_beyond_the_machine_waits_for_a_person() -> None:
    large = replace(SERVER, memory=2 * GB, season_factor=2.0)
    advice = only(memory_promise.advise(large))
    assert advice.most == "approve"
    lower = with_parameter(large, "work_mem", value=(advice.value or "").removesuffix("kB"))
    need = promised(lower, {})
    assert need is not None
    assert need <= MEMORY_SHARE * 2 * GB or advice.value == "1024kB"
    assert list(memory_promise.advise(SERVER)) == []


# ---------------------------------------------------------------------- the planner's parameters


def test_a_measured_ssd_lowers_the_cost_of_random_reads_for_this_database() -> None:
    server = with_findings(found("dear_random_reads", ms_per_block=0.05, blocks=20_000))
    advice = only(random_page_cost.advise(server, [Affected(7, "booking", "critical", 10.0)]))
    assert advice.sql == ("""alter database "wedding" set random_page_cost = '1.1'""",)
    assert (advice.goal, advice.statements, advice.criticality) == ("gain", (7,), "critical")
    slower = with_findings(found("dear_random_reads", ms_per_block=0.5, blocks=20_000))
    assert random_page_cost.wanted(slower) == "2"


def test_the_cost_of_random_reads_stays_where_it_changes_no_plan_or_nothing_was_measured() -> None:
    server = with_findings(found("dear_random_reads", ms_per_block=0.05, blocks=20_000))
    assert list(random_page_cost.advise(server, [])) == []
    assert list(random_page_cost.advise(SERVER, [Affected(7)])) == []
    already = with_parameter(server, "random_page_cost", database_value="1.1")
    assert list(random_page_cost.advise(already, [Affected(7)])) == []


def test_a_cache_size_beyond_the_machine_is_corrected_at_once() -> None:
    too_large = with_findings(found("wrong_cache_size", bytes=32 * GB, memory=16 * GB))
    advice = only(effective_cache_size.advise(too_large, []))
    assert advice.value == f"{int(0.7 * 16 * 1024)}MB"
    too_small = with_findings(found("wrong_cache_size", bytes=GB, memory=16 * GB))
    assert list(effective_cache_size.advise(too_small, [])) == []
    assert only(effective_cache_size.advise(too_small, [Affected(1)])).statements == (1,)


def test_compilation_that_costs_is_switched_off_for_the_database() -> None:
    server = with_findings(found("jit_costs", jit_ms=5000, exec_ms=20_000))
    advice = only(jit.advise(server))
    assert advice.sql == ("""alter database "wedding" set jit = 'off'""",)
    assert advice.gain_percent == 25.0
    assert list(jit.advise(SERVER)) == []
    assert list(jit.advise(with_parameter(server, "jit", database_value="off"))) == []


def test_statistics_cut_short_are_put_back() -> None:
    server = with_findings(found("low_statistics_default"))
    assert only(statistics_target.advise(server)).value == "100"
    here = with_parameter(server, "default_statistics_target", database_value="200")
    assert list(statistics_target.advise(here)) == []
    assert list(statistics_target.advise(SERVER)) == []


@pytest.mark.parametrize(("ms", "advised"), [(0.2, True), (0.001, False), (8.0, False)])
def test_several_blocks_at_once_only_from_a_disk_that_gives_them(ms: float, advised: bool) -> None:
    server = replace(SERVER, blocks_read=50_000, read_ms=50_000 * ms)
    assert bool(list(io_concurrency.advise(server))) is advised


# ---------------------------------------------------------------------- the server's parameters


def test_requested_checkpoints_get_room_for_a_whole_cycle() -> None:
    server = with_findings(found("frequent_checkpoints", requested=40, hours=4.0, wal_bytes=80 * GB))
    advice = only(checkpoints.advise(server))
    # 20 GB an hour, 5 minutes, two and a half times: 4.2 GB, bounded by four times 1 GB
    assert advice.value == "4096MB"
    assert advice.rollback_sql == ("alter system reset max_wal_size", "select pg_catalog.pg_reload_conf()")


def test_wal_never_takes_more_than_a_tenth_of_the_free_disk() -> None:
    finding = found("frequent_checkpoints", requested=40, hours=4.0, wal_bytes=80 * GB)
    tight = with_findings(finding, disk_free=10 * GB)
    assert only(checkpoints.advise(tight)).value == "2048MB"
    assert list(checkpoints.advise(with_findings(finding, disk_free=GB))) == []
    assert list(checkpoints.advise(with_findings(finding, disk_free=None))) == []
    assert list(checkpoints.advise(SERVER)) == []


def test_a_checkpoint_in_one_burst_is_spread() -> None:
    server = with_parameter(
        with_findings(found("frequent_checkpoints", requested=40, hours=4.0, wal_bytes=GB)),
        "checkpoint_completion_target",
        value="0.5",
    )
    names = [advice.parameter for advice in checkpoints.advise(server)]
    assert names == ["max_wal_size", "checkpoint_completion_target"]


def test_reads_are_timed_where_a_reload_can_turn_it_on() -> None:
    server = with_findings(found("io_timing_off"))
    assert only(io_timing.advise(server)).sql[0] == "alter system set track_io_timing = 'on'"
    fixed = with_parameter(server, "track_io_timing", source="command line")
    assert list(io_timing.advise(fixed)) == []
    assert list(io_timing.advise(SERVER)) == []


def test_vacuum_gets_memory_for_a_large_table_if_the_workers_fit() -> None:
    server = with_findings(found("small_maintenance_memory", largest_table=4 * GB))
    assert only(maintenance_work_mem.advise(server)).value == "512MB"
    tight = with_findings(
        found("small_maintenance_memory", largest_table=4 * GB), memory=3 * GB, season_factor=2.0
    )
    assert list(maintenance_work_mem.advise(tight)) == []


def test_autovacuum_that_is_off_is_switched_on() -> None:
    off = with_parameter(SERVER, "autovacuum", value="off")
    assert only(autovacuum.advise(off)).sql[0] == "alter system set autovacuum = 'on'"
    assert list(autovacuum.advise(SERVER)) == []


def test_starved_workers_get_a_larger_allowance() -> None:
    due = [found("dead_rows", f"t{n}") for n in range(3)]
    assert only(autovacuum.advise(with_findings(*due, autovacuum_workers_peak=3))).value == "400"
    assert list(autovacuum.advise(with_findings(*due, autovacuum_workers_peak=2))) == []
    assert list(autovacuum.advise(with_findings(due[0], autovacuum_workers_peak=3))) == []


def test_restart_only_ones_are_listed_and_never_set() -> None:
    server = with_findings(found("small_shared_buffers", "shared_buffers"))
    advice = only(restart.advise(server))
    assert (advice.most, advice.value) == ("recommend", "4096MB")
    assert "never set" in advice.reason
    assert list(restart.advise(SERVER)) == []


# ---------------------------------------------------------------------- sessions and logs


def role(name: str = "app", **changes: object) -> RoleUse:
    return replace(RoleUse(name, False, None, None, {}), **changes)  # type: ignore[arg-type]


def test_the_role_that_forgets_transactions_gets_a_limit() -> None:
    advices = list(timeouts.advise(SERVER, [role(idle_in_transaction_s=900.0), role("calm")]))
    assert [advice.sql[0] for advice in advices] == [
        """alter role "app" in database "wedding" set idle_in_transaction_session_timeout = '5min'"""
    ]
    assert "15 minutes" in advices[0].reason


@pytest.mark.parametrize(
    "use",
    [
        role(idle_in_transaction_s=120.0),
        role(idle_in_transaction_s=900.0, superuser=True),
        role(idle_in_transaction_s=900.0, own={"idle_in_transaction_session_timeout": "10min"}),
    ],
    ids=["short", "superuser", "has one"],
)
def test_no_limit_for_sessions_without_cause(use: RoleUse) -> None:
    assert list(timeouts.advise(SERVER, [use])) == []


def test_a_limit_for_statements_is_only_advised() -> None:
    advice = only(timeouts.advise(SERVER, [role(slowest_ms=4000.0)]))
    assert (advice.parameter, advice.value, advice.most) == ("statement_timeout", "40s", "recommend")
    assert only(timeouts.advise(SERVER, [role(slowest_ms=3.0)])).value == "10s"
    has_one = role(slowest_ms=4000.0, own={"statement_timeout": "8s"})
    assert list(timeouts.advise(SERVER, [has_one])) == []


def test_logs_are_only_advised_and_only_for_what_happened() -> None:
    advices = list(log_settings.advise(SERVER, Events(deadlocks=3, temp_bytes=24 * GB)))
    assert [(advice.parameter, advice.most) for advice in advices] == [
        ("log_lock_waits", "recommend"),
        ("log_temp_files", "recommend"),
    ]
    assert list(log_settings.advise(SERVER, Events())) == []


CACHED = Cached(Affected(3, "vendor_search", "high", 9000.0), "app", False, 5000, 5, 20.0, 60.0, 0.4, 0.3)
AUTO = replace(SERVER, parameters={**PARAMETERS, "plan_cache_mode": Parameter("plan_cache_mode", "auto")})


def test_a_role_whose_kept_plan_is_bad_for_a_frequent_value_plans_each_call() -> None:
    advice = only(plan_cache_mode.advise([CACHED], AUTO))
    assert advice.sql == (
        """alter role "app" in database "wedding" set plan_cache_mode = 'force_custom_plan'""",
    )
    assert (advice.level, advice.goal) == ("aggressive", "gain")
    assert "planned 5 times for 5000 calls" in advice.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"plans": 5000},
        {"share": 0.0},
        {"deviation_ms": 5.0},
        {"planning_ms": 10.0},
        {"calls": 10},
        {"superuser": True},
        {"own_value": "force_generic_plan"},
    ],
    ids=[
        "planned each time",
        "no other plan",
        "steady",
        "dear to plan",
        "rare",
        "superuser",
        "somebody's choice",
    ],
)
def test_kept_plans_stay_without_cause(changes: dict[str, object]) -> None:
    assert list(plan_cache_mode.advise([replace(CACHED, **changes)], AUTO)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("select note from booking where vendor = $1", "vendor"),
        ('select note from booking where $1 = "Vendor"', "Vendor"),
        ("select note from booking where vendor = $1 and amount = $2", None),
        ("select note from booking where vendor > $1", None),
        ("select $1 from booking where vendor = $1", None),
        ("select note from booking where vendor = 7", None),
    ],
)
def test_the_column_of_the_only_parameter(text: str, column: str | None) -> None:
    assert compared_column(Query.parse(text)) == column
