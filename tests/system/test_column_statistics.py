"""A run sees what the statistics of columns miss, mends it, and the estimates are right afterwards; the undo brings them back."""

from __future__ import annotations

from tests.system.tuner import Tuner

# 300 towns with 100 rows each, of which the list of frequent values holds 100, and 70,000 rows of a value of their own.
GUESTS = """
create table guest (id serial primary key, town integer, region integer, district integer);
insert into guest (town, region, district)
select case when g <= 30000 then g % 300 else g end, g % 300, g % 300 / 3 from generate_series(1, 100000) g;
select pg_stat_force_next_flush();
vacuum analyze guest
"""
BY_TOWN = "select count(*) from guest where town = {number}"
GROUPED = "select region, district, count(*) from guest group by region, district"
DEEDS = """
select id, object_kind, coalesce(details ->> 'column', details -> 'evidence' ->> 'groups')
from _wedding_dbopt.action where action_type = 'statistics' order by 2
"""


def estimate(tuner: Tuner, query: str) -> float:
    return float(tuner.value(f"explain (format json) {query}")[0]["Plan"]["Plan Rows"])


def beyond(tuner: Tuner) -> int:
    """A frequent town that is not on the list."""
    return int(
        tuner.value(
            "select min(t) from generate_series(1, 299) t where t::text <> all (select unnest(most_common_vals::text::text[])"
            " from pg_stats where tablename = 'guest' and attname = 'town')"
        )
    )


def test_full_lists_and_dependent_groups_are_mended_and_taken_back(tuner: Tuner) -> None:
    for statement in GUESTS.split(";"):
        tuner.run(statement)
    tuner.set(mode_statistics="auto", mode_index_creation="off")
    missed = f"select * from guest where town = {beyond(tuner)}"
    assert estimate(tuner, missed) < 10 and estimate(tuner, GROUPED) > 3000
    tuner.collect()
    for _ in range(3):
        tuner.work(BY_TOWN, 10)
        tuner.work(GROUPED, 10)
        tuner.collect()
    run = tuner.tune()
    found = tuner.rows(DEEDS)
    assert [kind for _, kind, _ in found] == ["column", "statistics"], found
    assert found[0][2] == "town" and 250 <= float(found[1][2]) <= 350
    tuner.process()
    tuner.process()
    assert {tuner.state(action) for action, _, _ in found} == {"verifying"}
    assert 50 <= estimate(tuner, missed) <= 200
    assert 250 <= estimate(tuner, GROUPED) <= 350
    tuner.tune()
    assert len(tuner.rows(DEEDS)) == 2, "nothing is left to mend"
    tuner.run("select wedding_dbopt.rollback_run(%s)", run)
    tuner.process()
    assert {tuner.state(action) for action, _, _ in found} == {"rolled_back"}
    assert tuner.value("select count(*) from pg_statistic_ext") == 0
    assert (
        tuner.value(
            "select coalesce(attstattarget, -1) from pg_attribute where attrelid = 'guest'::regclass and attname = 'town'"
        )
        == -1
    )


# Ten items of each of 60,000 bookings lie together. A sample of few rows beside the table's size is what ANALYZE has of a
# table of a billion rows: it meets a booking again in the page where it met it first, and takes bookings for few.
ITEMS = """
create table item (id serial primary key, booking integer, note text);
insert into item (booking, note) select g / 10, repeat('x', 200) from generate_series(1, 600000) g;
select pg_stat_force_next_flush();
set default_statistics_target = {target};
vacuum analyze item;
reset default_statistics_target
"""
OF_BOOKING = "select count(note) from item where booking = {number}"
GIVEN = "select count(*) from pg_attribute a, unnest(attoptions) o where attrelid = 'item'::regclass and o like 'n_distinct%'"
KNOWN = "select n_distinct from pg_stats where tablename = 'item' and attname = 'booking'"


OF_ALL = "select count(*) from (select booking from item group by booking having count(*) > {number}) as many"
TOLD = """
select a.id, a.details ->> 'n_distinct', (a.details -> 'evidence' ->> 'known')::float8, r.reason
from _wedding_dbopt.action a join _wedding_dbopt.recommendation r on r.id = a.recommendation_id
where a.details ->> 'parameter' = 'n_distinct'
"""


def tuned(tuner: Tuner, target: int, load: str, index_creation: str = "off") -> None:
    """A tuning after a load, with statistics of a target."""
    for statement in ITEMS.format(target=target).split(";"):
        tuner.run(statement)
    tuner.set(mode_statistics="auto", mode_index_creation=index_creation)
    tuner.collect()
    for _ in range(3):
        tuner.work(load, 5)
        tuner.collect()
    tuner.tune()


def told(tuner: Tuner) -> tuple[int, str, float, str]:
    """What the tuner tells the planner: action, number, number before, reason."""
    [(action, value, known, reason)] = tuner.rows(TOLD)
    assert 0.09 < -float(value) < 0.11
    return action, value, known, reason


def test_a_grouping_that_spills_tells_the_number_of_values_at_a_smaller_error_too(tuner: Tuner) -> None:
    tuner.run(f"alter database {tuner.database} set work_mem = '1MB'")
    tuned(tuner, 10, OF_ALL)
    _, _, known, reason = told(tuner)
    assert 6_000 < known < 30_000 and "temporary files" in reason


def test_a_grouping_for_which_an_index_is_recommended_waits_with_its_number(tuner: Tuner) -> None:
    tuner.run(f"alter database {tuner.database} set work_mem = '1MB'")
    tuned(tuner, 10, OF_ALL, index_creation="recommend")
    assert tuner.rows("select columns from _wedding_dbopt.recommendation where kind = 'index_creation'") == [
        (["booking"],)
    ]
    assert (
        tuner.value(
            "select count(*) from _wedding_dbopt.recommendation where details ->> 'parameter' = 'n_distinct'"
        )
        == 0
    )


def test_a_number_of_values_that_analyze_misses_by_far_is_counted_set_and_taken_back(tuner: Tuner) -> None:
    tuned(tuner, 1, OF_BOOKING)
    action, value, known, _ = told(tuner)
    assert 0 < known < 6000
    tuner.process()
    assert tuner.state(action) == "verifying", tuner.reason(action)
    assert float(tuner.value(KNOWN)) == float(value)
    assert estimate(tuner, "select * from item where booking = 7") < 20
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert tuner.state(action) == "rolled_back"
    assert tuner.value(GIVEN) == 0
