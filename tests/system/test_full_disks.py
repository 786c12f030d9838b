"""The disk of the WAL or that of temporary files is full: nothing is lost or doubled without a mark, nothing stays stuck.

A small file system needs root. A limit on the size of files stops the server in the same function, but for the operating
system's words: the file of WAL that is there cannot be filled, where a full disk lets no new one be made, and PostgreSQL panics
in whatever session writes it.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.system.tuner import Tuner, until

MARK = "select count(*) from booking where vendor = 1"
SEGMENT = 16 * 2**20
#: Leaves 20 kB of the last file of WAL that is there.
FILL = f"""
do $$
declare
  room bigint;
begin
  loop
    room := {SEGMENT} - pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') % {SEGMENT};
    exit when room < 20480 and pg_walfile_name(pg_current_wal_insert_lsn()) >=
      (select max(name) from pg_ls_waldir() where name ~ '^[0-9A-F]{{24}}$');
    perform pg_logical_emit_message(false, 'fill', repeat('x', least(1000000, greatest(room - 18000, 1000))::integer));
  end loop;
end $$
"""
STORED = """
select coalesce(sum(d.calls), 0)::integer, coalesce(bool_and(s.complete), true)
from _wedding_dbopt.statement_sample s
left join _wedding_dbopt.statement_delta(%s, 'infinity') d on d.at = s.at and d.statement_id in (
  select t.statement_id from _wedding_dbopt.statement_text t where t.query like '%%from booking where vendor%%')
where s.at > %s
"""
ERRORS = (
    "select source, sqlstate, reason from _wedding_dbopt.collect_log where sqlstate is not null and at >= %s"
)
ROLLED = """
select coalesce(sum(part.calls), 0)::integer, count(distinct packed.hour) from _wedding_dbopt.statement_hour packed
cross join unnest(packed.ids, packed.calls) as part (id, calls)
join _wedding_dbopt.statement_text text on text.statement_id = part.id and text.query like '%%from booking where vendor%%'
"""
BEGIN = datetime.fromisoformat("2101-03-05T00:00:00+00:00")


def until_the_wal_is_full(tuner: Tuner, *statements: str) -> int:
    """Statements again and again until the server dies of want of room; how often all of them ran. Then there is room again."""
    tuner.run(FILL)
    tuner.cluster.limit_files(SEGMENT - 1)
    rounds = 0
    with pytest.raises((psycopg.OperationalError, psycopg.errors.InternalError_)):
        while True:
            for statement in statements:
                tuner.run(statement)
            rounds += 1
    until(lambda: "all server processes terminated" in tuner.cluster.log())  # a moment later
    assert "could not write to log file" in tuner.cluster.log()
    tuner.cluster.restart()
    tuner.connect_again()
    return rounds


def test_a_full_disk_of_wal_costs_a_pass_and_the_interval_says_so(crashable: Tuner) -> None:
    crashable.table(rows=1000)
    crashable.run(MARK)
    crashable.collect()
    begun = crashable.value("select max(at) from _wedding_dbopt.statement_sample")
    rounds = until_the_wal_is_full(crashable, MARK, "call wedding_dbopt.collect()")
    for _ in range(2):
        crashable.run(MARK)
    crashable.collect()
    stored, complete = crashable.row(STORED, begun, begun)
    assert not complete and rounds <= stored <= rounds + 3
    again = crashable.value("select max(at) from _wedding_dbopt.statement_sample")
    for _ in range(3):
        crashable.run(MARK)
    crashable.collect()
    assert crashable.row(STORED, again, again) == (3, True)
    assert crashable.rows(ERRORS, begun) == []


def test_a_full_disk_of_wal_costs_a_step_of_the_upkeep_and_the_next_run_makes_it_good(
    crashable: Tuner,
) -> None:
    crashable.table(rows=1000)
    for hour in range(4):
        for _ in range(3 * (hour > 0)):
            crashable.run(MARK)
        crashable.collect((BEGIN + timedelta(hours=hour)).isoformat())
    until_the_wal_is_full(crashable, "call wedding_dbopt.maintain('2101-03-05 03:00:01Z')")
    crashable.run("call wedding_dbopt.maintain('2101-03-05 03:01Z')")
    assert crashable.rows(ERRORS, BEGIN) == []
    assert crashable.row(ROLLED) == (9, 3)


def test_a_full_disk_of_wal_ends_a_run_which_says_so_and_the_next_one_works(crashable: Tuner) -> None:
    crashable.table()
    crashable.observed(MARK)
    crashable.set(mode_index_creation="auto")
    crashable.run("select wedding_dbopt.optimize_database()")
    until_the_wal_is_full(crashable, "call wedding_dbopt.tick()")
    crashable.tick()
    assert crashable.rows("select state, error from _wedding_dbopt.tuning_run") == [("failed", "interrupted")]
    assert crashable.actions() == []
    crashable.run("select wedding_dbopt.optimize_database()")
    crashable.tick()
    crashable.tick()
    assert crashable.column("select state from _wedding_dbopt.tuning_run order by id") == [
        "failed",
        "verifying",
    ]
    assert [state for _, state in crashable.actions()] == ["verifying"]
    assert sum("(vendor)" in index for index in crashable.indexes()) == 1


def test_a_full_disk_of_wal_ends_a_build_and_the_index_is_built_once(crashable: Tuner) -> None:
    crashable.table()
    before = crashable.indexes()
    action = crashable.action("booking", "vendor")
    until_the_wal_is_full(crashable, "call wedding_dbopt.process_actions()")
    assert crashable.state(action) == "applying"

    def built() -> bool:
        crashable.process()
        return crashable.state(action) == "verifying"

    until(built)
    assert len(crashable.indexes()) == len(before) + 1
    assert "INVALID" not in str(crashable.indexes())


def test_a_tablespace_on_a_disk_of_its_own_is_looked_at(tuner: Tuner) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder, away = Path(name), Path(f"{name}.gone")
        assert folder.stat().st_dev != tuner.cluster.data_directory.stat().st_dev
        tuner.run(f"create tablespace elsewhere location '{folder}'")
        try:
            tuner.collect("2101-03-04Z")
            found = tuner.value("select other_disks -> 0 from _wedding_dbopt.system_sample")
            space = os.statvfs(folder)
            assert (found["name"], found["total"]) == (
                "tablespace elsewhere",
                space.f_frsize * space.f_blocks,
            )
            folder.rename(away)
            tuner.collect("2101-03-05Z")
            looked = (
                "select disk_free > 0, other_disks from _wedding_dbopt.system_sample where at = '2101-03-05Z'"
            )
            assert tuner.row(looked) == (True, None), "the other disks are looked at nevertheless"
            away.rename(folder)
        finally:
            tuner.run("drop tablespace elsewhere")


def test_no_room_for_temporary_files_costs_the_step_that_needs_it_and_the_next_run_makes_it_good(
    crashable: Tuner,
) -> None:
    crashable.table(rows=60000)
    before = crashable.indexes()
    crashable.run(
        "insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen) "
        "select g, 1, 1, true, '2101-03-05Z' from generate_series(1, 20000) g"
    )
    for hour in range(4):
        for _ in range(3 * (hour > 0)):
            crashable.run(MARK)
        crashable.collect((BEGIN + timedelta(hours=hour)).isoformat())
    action = crashable.action("booking", "vendor")
    for setting in ("temp_file_limit = 0", "work_mem = '64kB'", "maintenance_work_mem = '1MB'"):
        crashable.run(f"alter system set {setting}")
    crashable.run("select pg_reload_conf()")
    until(lambda: crashable.value("select current_setting('work_mem') = '64kB'"))
    crashable.run(MARK)
    crashable.collect("2101-03-05 03:01Z")
    crashable.run("call wedding_dbopt.maintain('2101-03-05 03:01:01Z')")
    crashable.tick("2101-03-05 03:01:02Z")
    failed = {source: sqlstate for source, sqlstate, _ in crashable.rows(ERRORS, BEGIN)}
    assert failed.keys() >= {"maintain: take_baseline", "tick: classify_statements"}
    assert set(failed.values()) == {"53400"}
    assert "temporary file size exceeds" in crashable.reason(action)
    assert crashable.indexes() == before
    assert crashable.row(STORED, BEGIN, BEGIN) == (10, True), "a pass needs no temporary file"
    for setting in ("temp_file_limit", "work_mem", "maintenance_work_mem"):
        crashable.run(f"alter system reset {setting}")
    crashable.run("select pg_reload_conf()")
    until(lambda: crashable.value("select current_setting('temp_file_limit') = '-1'"))
    crashable.run("call wedding_dbopt.maintain('2101-03-05 03:02Z')")
    crashable.tick("2101-03-05 03:02Z")
    assert crashable.rows(ERRORS, datetime.fromisoformat("2101-03-05T03:02:00+00:00")) == []
    assert crashable.value("select count(*) from _wedding_dbopt.baseline where origin = 'daily'") == 1
    assert crashable.row(ROLLED) == (9, 3)
    again = crashable.action("booking", "vendor")
    crashable.process()
    assert (crashable.state(again), len(crashable.indexes())) == ("verifying", len(before) + 1)
