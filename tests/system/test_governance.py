"""What a run may do, in which order, how much of it in a day, and what it does not try again."""

from __future__ import annotations

import time

import pytest

from tests.cluster import Cluster
from tests.system.tuner import Tuner, until

VENDOR = "select sum(amount) from booking where vendor = {number}"


def test_a_failing_action_stops_neither_the_others_nor_the_run(tuner: Tuner) -> None:
    """E74, T20."""
    tuner.table(rows=500)
    first = tuner.action("booking", "vendor")
    broken = tuner.action("booking", "no_such_column")
    last = tuner.action("booking", "amount")
    tuner.process()
    assert [tuner.state(action) for action in (first, broken, last)] == ["verifying", "failed", "verifying"]
    shown = tuner.row("select error_sqlstate, error from wedding_dbopt.get_actions() where id = %s", broken)
    assert shown == ("42703", 'column "no_such_column" does not exist')
    assert "42703" in tuner.reason(broken)


def test_a_failed_action_tells_the_server_s_detail(tuner: Tuner) -> None:
    tuner.table()
    tuner.run("update booking set vendor = 1 where id < 3; create index old on booking (vendor)")
    action = tuner.deed(
        "reindex",
        schema="public",
        table="booking",
        name="old",
        sql=["create unique index concurrently never on public.booking (vendor)"],
    )
    tuner.process()
    error = tuner.value("select error from wedding_dbopt.get_actions() where id = %s", action)
    assert error.startswith('could not create unique index "never": Key (vendor) is duplicated.')
    assert "Key (vendor)" not in tuner.reason(action)


def test_a_dry_run_prints_what_would_run_in_order_with_locks_and_a_run_then_does_just_that(
    tuner: Tuner,
) -> None:
    """E60, E61, E64, T25."""
    tuner.table()
    tuner.observed(VENDOR)
    said: list[str] = []
    tuner.session.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
    tuner.tune("dry_run => true")
    assert tuner.actions() == []
    (plan,) = said
    assert plan.startswith("1. index_creation (safe), would be applied")
    run = tuner.tune()
    sql, undo, locks = tuner.row("select sql, rollback_sql, locks from wedding_dbopt.get_actions()")
    assert f"\n{sql};\nundo: {undo};\nlocks: {locks}" in plan
    assert "SHARE UPDATE EXCLUSIVE" in locks
    tuner.process()
    assert sql == tuner.value("select sql_executed from wedding_dbopt.get_actions()")
    answer = tuner.value("select wedding_dbopt.get_tuning_run(%s)", run)
    assert {"actions_taken", "performance_impact", "wedding_season_optimizations", "recommendations"} <= set(
        answer
    )
    assert [deed["action_type"] for deed in answer["actions_taken"]] == ["index_creation"]


def test_what_was_undone_is_tried_again_only_when_data_or_load_have_changed(tuner: Tuner) -> None:
    """T24. Rows that one transaction inserts and analyses count as not analysed: no advice on statistics here."""
    tuner.set(repeat_after="0 s", mode_statistics="off")
    tuner.table()
    tuner.observed(VENDOR)
    tuner.tune()
    action = tuner.only_action()
    tuner.process()
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert tuner.state(action) == "rolled_back"
    assert tuner.value("select (retry_basis ->> 'rows')::numeric from _wedding_dbopt.action") == 20000
    tuner.tune()
    assert len(tuner.actions()) == 1
    tuner.run(
        "insert into booking (vendor, amount) select g % 2000, g from generate_series(1, 11000) g; analyze booking"
    )
    tuner.observed(VENDOR)
    tuner.tune()
    assert [state for _, state in tuner.actions()] == ["rolled_back", "approved"], tuner.rows(
        "select action_type, state, description from _wedding_dbopt.action"
    )


def test_a_scheduled_run_that_fails_is_logged_and_the_next_one_comes(tuner: Tuner) -> None:
    """E79, S7; without pg_cron, by the same procedures (S6)."""
    tuner.run("update _wedding_dbopt.event set at = '2030-01-01Z' where subject = 'schedule'")
    tuner.run(
        """insert into _wedding_dbopt.event (at, actor, subject, to_state, reason)
           values ('2030-01-01Z', 'test', 'schedule', 'scheduled', 'test')"""
    )
    recommend = "alter function _wedding_dbopt.recommend_for_run(bigint) rename to"
    tuner.run(f"{recommend} away")
    tuner.tick("2030-01-01 12:00Z")
    failed = tuner.row("select id, state, error_sqlstate, error from _wedding_dbopt.tuning_run")
    assert failed[1:3] == ("failed", "42883")
    assert "recommend_for_run" in failed[3]
    logged = "select to_state from _wedding_dbopt.event where subject = 'tuning_run' and subject_id = %s order by id"
    assert tuner.column(logged, str(failed[0])) == ["running", "failed"]
    tuner.run("alter function _wedding_dbopt.away(bigint) rename to recommend_for_run")
    tuner.tick("2030-01-01 15:00Z")
    tuner.tick("2030-01-02 00:00Z")
    assert tuner.column("select state from _wedding_dbopt.tuning_run order by id") == ["failed", "finished"]


def test_the_kill_switch_ends_a_deed_of_any_type_within_five_seconds(tuner: Tuner) -> None:
    """T21."""
    tuner.table(rows=10)
    action = tuner.deed(
        "cache_optimization", object_kind="database", name="all", sql=["SELECT pg_sleep(120)"]
    )
    step = tuner.background("call wedding_dbopt.process_actions()")
    until(
        lambda: tuner.value("select count(*) = 1 from pg_stat_activity where query = 'SELECT pg_sleep(120)'")
    )
    began = time.monotonic()
    tuner.run("select wedding_dbopt.pause()")
    step.join()
    assert time.monotonic() - began < 5
    assert tuner.state(action) == "approved"


def test_a_hidden_index_is_used_by_nobody_kept_up_by_all_writes_and_comes_back_whole(
    cluster: Cluster, tuner: Tuner
) -> None:
    """T16: neither hiding nor bringing back waits for a writer, and amcheck finds every row in the index afterwards."""
    tuner.table()
    tuner.run("create extension amcheck; create index old on booking (vendor); analyze booking")
    action = tuner.deed("index_drop", schema="public", table="booking", name="old")
    with cluster.connect(tuner.database) as reader, cluster.connect(tuner.database) as writer:
        reader.execute("set plan_cache_mode = force_generic_plan")
        reader.execute("prepare find (integer) as select * from booking where vendor = $1")

        def plan() -> str:
            return str(reader.execute("explain execute find(7)").fetchall())

        assert " old " in plan()
        writer.execute("begin; insert into booking (vendor) values (1)")
        tuner.process()
        assert tuner.state(action) == "verifying", tuner.reason(action)
        assert " old " not in plan()
        writer.execute("insert into booking (vendor) select 3000 + g from generate_series(1, 3000) g; commit")
        writer.execute(
            "update booking set vendor = vendor + 1 where id % 7 = 0; delete from booking where id % 11 = 0"
        )
        writer.execute("begin; insert into booking (vendor) values (1)")
        tuner.run("select wedding_dbopt.rollback_action(%s)", action)
        tuner.process()
        assert tuner.state(action) == "rolled_back", tuner.reason(action)
        assert " old " in plan()
        writer.execute("commit")
    tuner.run("select bt_index_check('old', true)")


def test_the_preview_of_a_drop_shows_that_the_index_is_hidden_first(tuner: Tuner) -> None:
    """T16, T25."""
    tuner.table()
    tuner.run("create index theirs on booking (amount); create index theirs_too on booking (amount)")
    tuner.observed("select note from booking where amount = {number}")
    tuner.tune("dry_run => true")
    sql, last = tuner.row(
        "select sql, final_sql from wedding_dbopt.preview_tuning() where action_type = 'index_drop'"
    )
    assert sql.startswith(
        'LOCK TABLE "public"."booking" IN SHARE UPDATE EXCLUSIVE MODE; UPDATE pg_catalog.pg_index'
    )
    assert last.startswith('DROP INDEX CONCURRENTLY IF EXISTS "public"."theirs')
    advice = "select implementation_sql from wedding_dbopt.get_recommendations() where kind = 'index_drop'"
    assert tuner.value(advice) == last


def redundant(tuner: Tuner) -> tuple[int, str, str]:
    """The proposed drop of one of two equal indexes: the action, the index, and the one that stays."""
    tuner.table()
    tuner.run("create index one on booking (vendor); create index two on booking (vendor); analyze booking")
    tuner.set(mode_index_drop="approve", mode_index_creation="off")
    tuner.tune()
    (action,) = tuner.column("select id from _wedding_dbopt.action where action_type = 'index_drop'")
    name = tuner.name(action)
    return action, name, ({"one", "two"} - {name}).pop()


def test_an_index_that_took_the_name_of_the_advised_one_is_not_dropped(tuner: Tuner) -> None:
    action, name, _ = redundant(tuner)
    tuner.run(f"drop index {name}; create index {name} on booking (amount)")
    tuner.run("select wedding_dbopt.approve(%s)", action)
    tuner.process()
    assert tuner.state(action) == "withdrawn", tuner.reason(action)
    idea = "select status, status_reason from wedding_dbopt.get_recommendations('withdrawn') where kind = 'index_drop'"
    assert tuner.row(idea) == ("withdrawn", tuner.reason(action))
    assert tuner.value(f"select indisvalid from pg_index where indexrelid = '{name}'::regclass")


def test_a_covered_index_is_not_hidden_once_what_covered_it_is_gone(tuner: Tuner) -> None:
    """The wider of two was on trial and undone before the turn of the narrower came: both would be gone."""
    action, name, keeper = redundant(tuner)
    tuner.run("select wedding_dbopt.approve(%s)", action)
    tuner.run(f"drop index {keeper}")
    tuner.process()
    assert (tuner.state(action), tuner.reason(action)) == (
        "withdrawn",
        "no other index that is there to stay does its work",
    )
    assert tuner.value(f"select indisvalid from pg_index where indexrelid = '{name}'::regclass")


@pytest.mark.parametrize(
    "loss", ["drop index {}", "update pg_index set indisvalid = false where indexrelid = '{}'::regclass"]
)
def test_a_hidden_index_comes_back_once_what_covered_it_is_gone(tuner: Tuner, loss: str) -> None:
    action, name, keeper = redundant(tuner)
    tuner.run("select wedding_dbopt.approve(%s)", action)
    tuner.process()
    valid = f"select indisvalid from pg_index where indexrelid = '{name}'::regclass"
    assert (tuner.state(action), tuner.value(valid)) == ("verifying", False), tuner.reason(action)
    tuner.process()
    assert (tuner.state(action), tuner.value(valid)) == ("verifying", False), tuner.reason(action)
    tuner.run(loss.format(keeper))
    tuner.process()
    assert (tuner.state(action), tuner.value(valid)) == ("rolled_back", True), tuner.reason(action)
    assert tuner.reason(action) == "no other index that is there to stay does its work"


def test_of_a_chain_of_covered_indexes_the_one_at_its_end_stays(tuner: Tuner) -> None:
    """Each step had named the next one, which was hidden too: then no other index seemed to do the work any more."""
    tuner.table()
    tuner.run(
        "create index ex_a on booking (vendor); create index ex_ab on booking (vendor, amount); "
        "create index ex_ab_too on booking (vendor, amount); create index ex_abinc on booking (vendor, amount) include (note); "
        "analyze booking"
    )
    tuner.set(mode_index_drop="approve", mode_index_creation="off")
    tuner.tune()
    drops = "select object_name, description ~ 'ex_abinc' from _wedding_dbopt.action where action_type = 'index_drop' order by 1"
    assert tuner.rows(drops) == [("ex_a", True), ("ex_ab", True), ("ex_ab_too", True)]
    tuner.run("select wedding_dbopt.approve(id) from _wedding_dbopt.action where action_type = 'index_drop'")
    for _ in range(3):
        tuner.process()
    states = (
        "select object_name, state from _wedding_dbopt.action where action_type = 'index_drop' order by 1"
    )
    assert {state for _, state in tuner.rows(states)} <= {"verifying", "kept"}, tuner.rows(states)
    tuner.run("reindex index concurrently ex_abinc")
    tuner.process()
    assert {state for _, state in tuner.rows(states)} <= {"verifying", "kept"}, tuner.rows(states)


def test_an_index_on_trial_replaces_no_other(tuner: Tuner) -> None:
    tuner.table()
    tuner.run("create index narrow on booking (vendor)")
    wide = tuner.action("booking", "vendor, amount")
    tuner.process()
    assert tuner.state(wide) == "verifying", tuner.reason(wide)
    tuner.set(mode_index_drop="approve", mode_index_creation="off")
    tuner.tune()
    drops = "select object_name from _wedding_dbopt.action where action_type = 'index_drop'"
    assert tuner.column(drops) == []
    tuner.run("select _wedding_dbopt.change_action(%s, 'kept', 'test')", wide)
    tuner.tune()
    assert tuner.column(drops) == ["narrow"]
    action = tuner.value("select id from _wedding_dbopt.action where action_type = 'index_drop'")
    tuner.run("update _wedding_dbopt.action set season = 'wedding' where id = %s", wide)
    tuner.run("select wedding_dbopt.approve(%s)", action)
    tuner.process()
    assert (tuner.state(action), tuner.reason(action)) == (
        "withdrawn",
        "no other index that is there to stay does its work",
    )


@pytest.mark.parametrize("consent", ["off", "on"])
def test_an_index_that_a_person_made_is_never_dropped_unasked(tuner: Tuner, consent: str) -> None:
    """T22."""
    tuner.table()
    tuner.run("create index theirs on booking (amount); create index theirs_too on booking (amount)")
    tuner.set(mode_index_drop="auto", consent_human_objects=consent)
    tuner.observed("select note from booking where amount = {number}")
    tuner.tune()
    states = tuner.column("select state from _wedding_dbopt.action where action_type = 'index_drop'")
    assert states == ["proposed" if consent == "off" else "approved"]
