"""The whole loop on a real table: seen, advised, built, judged, kept or undone, and never more than the mode allows."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from tests.cluster import Cluster
from tests.system.tuner import Tuner, until

VENDOR = "select sum(amount) from booking where vendor = {number}"


@pytest.fixture
def platform(tuner: Tuner, role: str) -> Tuner:
    """A table that an ordinary role scans whole, seen by the collector."""
    tuner.table()
    tuner.run(f"grant select, insert, update on booking to {role}")
    tuner.observed(VENDOR, user=role)
    return tuner


def test_a_scanned_table_gets_its_index_and_keeps_it_for_a_measured_gain(platform: Tuner, role: str) -> None:
    run = platform.tune()
    action = platform.only_action()
    assert platform.state(action) == "approved"
    assert platform.value("select state from _wedding_dbopt.tuning_run where id = %s", run) == "verifying"
    platform.tick()
    assert platform.state(action) == "verifying", platform.reason(action)
    name = platform.name(action)
    assert f"CREATE INDEX {name} ON public.booking USING btree (vendor)" in "\n".join(platform.indexes())
    assert "INVALID" not in str(platform.indexes())
    comment = platform.value(f"select obj_description('{name}'::regclass, 'pg_class')")
    assert comment == f"Made by wedding_dbopt, action {action}"
    assert "CONCURRENTLY" in platform.value(
        "select sql_executed from wedding_dbopt.get_actions() where id = %s", action
    )
    platform.observed(VENDOR, user=role)
    platform.tick()
    assert platform.state(action) == "kept", platform.reason(action)
    assert platform.value("select measured_impact from _wedding_dbopt.action where id = %s", action) > 50
    verdict, before, after = platform.session.execute(
        "select verdict, before_blocks, after_blocks from _wedding_dbopt.verification where role = 'affected'"
    ).fetchone() or ("", 0, 0)
    assert (verdict, before > 10 * after) == ("improved", True)
    assert platform.value("select state from _wedding_dbopt.tuning_run where id = %s", run) == "finished"
    assert platform.value("select count(*) from wedding_dbopt.get_tuning_run(%s)", run) == 1


def test_an_index_that_was_measured_before_is_advised_with_that_proof(platform: Tuner, role: str) -> None:
    platform.tune()
    action = platform.only_action()
    platform.tick()
    platform.observed(VENDOR, user=role)
    platform.tick()
    assert platform.state(action) == "kept", platform.reason(action)
    platform.run(f"drop index {platform.name(action)}")
    asked = "select proof, reason from wedding_dbopt.recommend_indexes(array['select sum(amount) from booking where vendor = 7'])"
    proof, reason = platform.row(asked)
    assert proof == "measured"
    percent = platform.value(
        "select measured_impact::float8 from _wedding_dbopt.action where id = %s", action
    )
    assert f"action {action} of " in reason and f"measured a gain of {percent:,.1f} %" in reason


def test_the_room_for_indexes_is_for_all_runs_together(platform: Tuner, role: str) -> None:
    platform.tune()
    made = platform.only_action()
    platform.tick()
    assert platform.state(made) == "verifying", platform.reason(made)
    taken, whole = platform.row(
        """select a.measured_bytes, pg_relation_size('booking') from _wedding_dbopt.action a where a.id = %s""",
        made,
    )
    platform.observed("select sum(vendor) from booking where amount = {number}", user=role)
    platform.set(index_storage_budget=str(taken / whole))
    platform.tune()
    assert platform.only_action() == made
    platform.set(index_storage_budget=str(1 + taken / whole))
    platform.tune()
    made = platform.column("select sql from _wedding_dbopt.action where action_type = 'index_creation'")
    assert len(made) == 2, made


def test_an_index_that_helps_nothing_goes_by_itself(platform: Tuner, role: str) -> None:
    before = platform.indexes()
    action = platform.action("booking", "note", serves="vendor")
    platform.process()
    assert platform.state(action) == "verifying", platform.reason(action)
    assert len(platform.indexes()) == len(before) + 1
    platform.observed(VENDOR, user=role)
    platform.process()
    assert platform.state(action) == "rolled_back"
    assert platform.reason(action).startswith("no gain worth keeping")
    assert platform.indexes() == before


def test_an_index_that_slows_writes_goes_by_itself(tuner: Tuner) -> None:
    tuner.table(rows=200)
    tuner.run(
        """create function slow(value integer) returns integer language plpgsql immutable as $$
           begin for i in 1 .. 5000 loop perform md5(i::text); end loop; return value; end $$"""
    )
    write = "update booking set amount = amount + 1 where id = {number}"
    tuner.collect()
    tuner.work("select note from booking where vendor = {number}")
    tuner.observed(write)
    before = tuner.indexes()
    action = tuner.action("booking", "public.slow(amount)", serves="vendor")
    tuner.process()
    tuner.collect()
    tuner.work("select note from booking where vendor = {number}")
    tuner.observed(write)
    tuner.process()
    assert tuner.state(action) == "rolled_back"
    assert " slower (" in tuner.reason(action)
    assert (
        tuner.value("select verdict from _wedding_dbopt.verification where role = 'written'") == "regressed"
    )
    assert tuner.indexes() == before


@pytest.mark.parametrize("of", ["action", "run"])
def test_rollback_is_possible_at_any_time_and_twice(tuner: Tuner, of: str) -> None:
    tuner.table(rows=100)
    before = tuner.indexes()
    built = [tuner.action("booking", keys) for keys in ("vendor", "amount")]
    tuner.process()
    tuner.run("select _wedding_dbopt.change_action(%s, 'kept', 'test')", built[1])
    ideas = [tuner.action("booking", "id, vendor", state) for state in ("proposed", "approved")]
    expected = {**dict.fromkeys(built, "rolled_back"), **dict.fromkeys(ideas, "withdrawn")}
    for _ in range(2):
        for action in expected:
            subject = (
                action
                if of == "action"
                else tuner.value("select run_id from _wedding_dbopt.action where id = %s", action)
            )
            assert tuner.value(f"select wedding_dbopt.rollback_{of}(%s) -> 'success'", subject) is True
        tuner.process()
        assert dict(tuner.actions()) == expected
        assert tuner.indexes() == before
    assert (
        tuner.value(
            "select count(*) from _wedding_dbopt.action where rollback_requested or finished_at is null"
        )
        == 0
    )


@pytest.mark.parametrize("mode", ["off", "recommend", "approve", "auto"])
def test_the_mode_says_how_far_the_tuner_goes_alone(platform: Tuner, mode: str) -> None:
    before = platform.indexes()
    platform.set(mode_index_creation=mode)
    platform.tune()
    ideas = platform.value("select count(*) from _wedding_dbopt.recommendation where kind = 'index_creation'")
    assert ideas == (0 if mode == "off" else 1)
    platform.process()
    states = [state for _, state in platform.actions()]
    assert states == {"approve": ["proposed"], "auto": ["verifying"]}.get(mode, [])
    assert (platform.indexes() == before) == (mode != "auto")
    if mode == "approve":
        platform.run("select wedding_dbopt.approve(%s)", platform.only_action())
        platform.process()
        assert platform.state(platform.only_action()) == "verifying"
        assert len(platform.indexes()) == len(before) + 1


def test_an_approved_action_waits_while_the_mode_is_off(tuner: Tuner) -> None:
    tuner.table(rows=100)
    action = tuner.action("booking", "vendor")
    tuner.set(mode_index_creation="off")
    tuner.process()
    assert tuner.state(action) == "approved"
    tuner.set(mode_index_creation="auto")
    tuner.process()
    assert tuner.state(action) == "verifying"


def test_a_dry_run_recommends_and_changes_nothing(platform: Tuner) -> None:
    before = platform.indexes()
    run = platform.tune("dry_run => true")
    platform.tick()
    assert (
        platform.value(
            "select count(*) from wedding_dbopt.get_recommendations() where kind = 'index_creation'"
        )
        == 1
    )
    assert (platform.actions(), platform.indexes()) == ([], before)
    assert platform.value("select state from _wedding_dbopt.tuning_run where id = %s", run) == "finished"


def test_what_somebody_withdrew_is_not_enqueued_again(platform: Tuner) -> None:
    platform.tune()
    platform.run("select wedding_dbopt.rollback_action(%s)", platform.only_action())
    platform.tune()
    assert [state for _, state in platform.actions()] == ["withdrawn"]


def test_what_waits_for_approval_goes_with_the_recommendation_it_came_from(platform: Tuner) -> None:
    platform.set(mode_index_creation="approve")
    platform.tune()
    assert [state for _, state in platform.actions()] == ["proposed"]
    platform.run("truncate booking")
    platform.run("vacuum analyze booking")
    platform.tune()
    assert [state for _, state in platform.actions()] == ["withdrawn"], platform.rows(
        "select id, run_id, status, status_reason from _wedding_dbopt.recommendation"
    )
    assert "no longer found by run" in platform.reason(platform.only_action())


def test_an_index_of_somebody_else_with_the_name_is_left_alone(tuner: Tuner) -> None:
    tuner.table(rows=100)
    action = tuner.action("booking", "vendor")
    tuner.run("update _wedding_dbopt.action set attempts = 1 where id = %s", action)
    tuner.run(f"create index {tuner.name(action)} on booking (amount)")
    before = tuner.indexes()
    tuner.process()
    assert tuner.state(action) == "withdrawn"
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert tuner.indexes() == before


def test_an_index_that_somebody_replaced_is_left_alone(tuner: Tuner) -> None:
    tuner.table(rows=100)
    action = tuner.action("booking", "vendor")
    tuner.process()
    tuner.run(f"drop index {tuner.name(action)}")
    tuner.run(f"create index {tuner.name(action)} on booking (amount)")
    before = tuner.indexes()
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert tuner.state(action) == "withdrawn"
    assert tuner.indexes() == before


def test_an_index_that_somebody_dropped_is_not_judged(tuner: Tuner) -> None:
    tuner.table(rows=100)
    action = tuner.action("booking", "vendor")
    tuner.process()
    tuner.run("drop table booking")
    tuner.process()
    assert (tuner.state(action), tuner.reason(action)) == (
        "rolled_back",
        "the index is gone: somebody dropped its table",
    )


@pytest.mark.parametrize("state", ["verifying", "kept"])
@pytest.mark.parametrize("harm", ["column dropped", "column renamed", "table dropped", "table renamed"])
def test_what_somebody_does_to_the_table_under_an_index_ends_well(
    tuner: Tuner, state: str, harm: str
) -> None:
    """T23: no error, no index left over, and an undo that is asked for afterwards is answered."""
    tuner.table(rows=100)
    action = tuner.action("booking", "vendor")
    tuner.process()
    tuner.run("update _wedding_dbopt.action set state = %s where id = %s", state, action)
    tuner.run(
        {
            "column dropped": "alter table booking drop vendor",
            "column renamed": "alter table booking rename vendor to supplier",
            "table dropped": "drop table booking",
            "table renamed": "alter table booking rename to reservation",
        }[harm]
    )
    tuner.tick()
    gone = harm.endswith("dropped")
    assert tuner.state(action) == ("rolled_back" if gone else state), tuner.reason(action)
    assert tuner.value("select error from _wedding_dbopt.action where id = %s", action) is None
    if gone:
        assert (
            tuner.reason(action)
            == {
                "column dropped": "it is gone: somebody undid it",
                "table dropped": "the index is gone: somebody dropped its table",
            }[harm]
        )
    else:
        tuner.run("select wedding_dbopt.rollback_action(%s)", action)
        tuner.process()
        assert tuner.state(action) == "rolled_back"
        assert tuner.value("select error from _wedding_dbopt.action where id = %s", action) is None
    assert not any(tuner.name(action) in definition for definition in tuner.indexes())


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        ("2030-07-01 08:00", "2030-07-01 11:59", False),
        ("2030-07-01 08:00", "2030-07-01 12:00", True),
        ("2030-04-29 08:00", "2030-04-29 19:59", False),
        ("2030-04-29 08:00", "2030-04-29 20:00", True),
        ("2030-04-30 20:00", "2030-04-30 23:59", False),
        ("2030-04-30 19:00", "2030-05-01 00:00", True),
        ("2030-10-31 22:00", "2030-11-01 02:00", True),
    ],
    ids=[
        "in season",
        "in season, due",
        "off season",
        "off season, due",
        "eve",
        "season opens",
        "proposal season",
    ],
)
def test_a_run_is_due_every_four_hours_in_season_and_twelve_off(
    tuner: Tuner, last: str, now: str, due: bool
) -> None:
    """E79: the calendar is asked at each tick, so a season's interval holds from its first minute."""
    tuner.run(
        """insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, state)
           values ('schedule', 'test', %s::timestamp at time zone 'UTC', 'moderate', false, 'finished')""",
        last,
    )
    assert tuner.value("select _wedding_dbopt.tuning_due(%s::timestamp at time zone 'UTC')", now) is due
    tuner.run("select _wedding_dbopt.queue_scheduled_run(%s::timestamp at time zone 'UTC')", now)
    queued = tuner.column("select season_mode from _wedding_dbopt.tuning_run where state = 'queued'")
    assert queued == ([datetime.fromisoformat(now).month in range(5, 11)] if due else [])
    assert tuner.value("select _wedding_dbopt.tuning_due(%s::timestamp at time zone 'UTC')", now) is False


def test_the_change_of_season_is_in_the_calendar_to_the_local_midnight(tuner: Tuner) -> None:
    tuner.set(time_zone="America/New_York")
    eve, day = (
        datetime(2030, 5, 1, 3, 59, tzinfo=timezone.utc),
        datetime(2030, 5, 1, 4, 0, tzinfo=timezone.utc),
    )
    season = "select wedding_dbopt.get_season(%s)"
    assert tuner.value(season, eve)["is_wedding_season"] is False
    assert datetime.fromisoformat(tuner.value(season, eve)["next_change"]) == day
    assert tuner.value(season, day)["is_wedding_season"] is True


def test_statements_that_cannot_be_read_or_planned_are_recorded_and_cost_nobody_his_index(
    platform: Tuner, role: str
) -> None:
    platform.run("create table gone (id integer, vendor integer)")
    nested = f"select {'(' * 9000}1{')' * 9000} from gone"
    spoilt = {
        "select id, id from gone": "garbage ((( '",
        "select id, vendor from gone": "x" * 1_000_000,
        "select vendor, id from gone": nested,
        "select vendor, vendor from gone": "select 'a'; drop table booking; --'",
    }
    platform.collect()
    for statement in ("select count(*) from gone", *spoilt):
        platform.work(statement)
    platform.collect()
    platform.tick()
    platform.run("drop table gone")
    for statement, text in spoilt.items():
        platform.run(
            "update _wedding_dbopt.text_chunk set queries = array_replace(queries, %s, %s) where %s = any (queries)",
            statement,
            text,
            statement,
        )
    run = platform.tune()
    assert [state for _, state in platform.actions()] == ["approved"]
    skipped = platform.value("select statements_skipped from _wedding_dbopt.tuning_run where id = %s", run)
    assert len(skipped) == 5
    assert all(reason for _, reason in skipped)
    platform.run(
        """update _wedding_dbopt.statement set classified_at = null
           where id in (select statement_id from _wedding_dbopt.statement_text)"""
    )
    while platform.value("select _wedding_dbopt.classify_statements()"):
        pass
    assert platform.value("select count(*) from _wedding_dbopt.statement where parse_error is not null") == 4


def test_advice_leaves_nothing_in_the_session(platform: Tuner) -> None:
    prepared = "select name from pg_prepared_statements order by name"
    before = platform.column(prepared)  # the collector's own statement
    platform.run("select * from wedding_dbopt.recommend_indexes()")
    platform.run("select wedding_dbopt.analyze_query('select * from booking where vendor = 7')")
    platform.tune("dry_run => true")
    assert platform.value("select count(*) from hypopg()") == 0
    assert platform.column(prepared) == before
    assert platform.value("select count(*) from pg_proc where pronamespace = pg_my_temp_schema()") == 0


def test_pg_cron_collects_and_ticks(cluster: Cluster) -> None:
    cluster.install("test", "hypopg", "pg_cron")
    with Tuner(cluster, "test") as tuner:
        assert len(tuner.column("select job_id from wedding_dbopt.schedule_jobs()")) == 4
        tuner.run("select wedding_dbopt.schedule_jobs()")
        assert tuner.value("select count(*) from cron.job") == 4
        ran = """select count(distinct j.jobname) = 2 from cron.job_run_details d join cron.job j using (jobid)
                 where d.status = 'succeeded' and j.jobname in ('wedding_dbopt collect', 'wedding_dbopt tick')"""
        until(lambda: tuner.value(ran), 150)  # up to a minute until the job begins, and it takes nearly one
        assert tuner.value("select count(*) from _wedding_dbopt.connection_sample") >= 1
        assert tuner.value("select wedding_dbopt.unschedule_jobs()") == 4
        assert tuner.value("select count(*) from cron.job") == 0
        tuner.run("drop extension pg_cron; drop extension wedding_dbopt")
