"""What is rolled up stays exact: over days of 23 and 25 hours, after a kill, on a full disk, beside a reader that stays."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.cluster import Cluster
from tests.system.tuner import Background, Tuner, until

MARK = "select count(*) from booking where vendor = 1"
#: The calls of the marked statement in a table of roll-ups.
ROLLED = """
select coalesce(sum(part.calls), 0)::integer from _wedding_dbopt.statement_{0} packed
cross join unnest(packed.ids, packed.calls) as part (id, calls)
join _wedding_dbopt.statement_text text on text.statement_id = part.id and text.query like '%%from booking where vendor%%'
"""
FAILED = """
select source, reason from _wedding_dbopt.collect_log where at = %s and sqlstate is not null and source like 'maintain%%'
"""
#: Without the hour that the first pass ends, a base line.
HOURS = "select count(*) from _wedding_dbopt.rolled_hour where hour >= %s"
BEGIN = datetime.fromisoformat("2101-03-05T00:00:00+00:00")


@pytest.fixture
def crashable() -> Iterator[Tuner]:
    """A server that may be killed: nobody else uses it."""
    with Cluster() as cluster:
        cluster.install("test", "hypopg")
        with Tuner(cluster, "test") as tuner:
            yield tuner


def collect(tuner: Tuner, times: list[datetime], calls: int = 3) -> None:
    """A pass at each time, with so many calls of the marked statement before each but the first."""
    for number, at in enumerate(times):
        if number:
            for _ in range(calls):
                tuner.run(MARK)
        tuner.collect(at.isoformat())


def hourly(begin: datetime, hours: int) -> list[datetime]:
    return [begin + timedelta(hours=hour) for hour in range(hours + 1)]


def maintain(tuner: Tuner, at: datetime) -> None:
    tuner.run("call wedding_dbopt.maintain(%s)", at)


@pytest.mark.parametrize(
    ("zone", "begin", "hours"),
    [
        ("Europe/Berlin", "2101-10-29T22:00:00+00:00", 25),
        ("Europe/Berlin", "2101-03-26T23:00:00+00:00", 23),
        ("America/Santiago", "2101-09-04T04:00:00+00:00", 23),
    ],
    ids=["a day of 25 hours", "a day of 23 hours", "a day without midnight"],
)
def test_hours_and_days_are_exact_while_clocks_change(
    tuner: Tuner, zone: str, begin: str, hours: int
) -> None:
    tuner.set(time_zone=zone)
    tuner.run(f"set timezone = '{zone}'")  # then a day is not 24 hours for the session either
    tuner.table(rows=10)
    first = datetime.fromisoformat(begin)
    collect(tuner, hourly(first, hours + 2))
    maintain(tuner, first + timedelta(hours=hours + 2, seconds=1))
    assert tuner.rows(FAILED, first + timedelta(hours=hours + 2, seconds=1)) == []
    assert tuner.value(HOURS, first) == hours + 2
    assert tuner.value(ROLLED.format("hour")) == 3 * (hours + 2)
    assert tuner.row("select until - day, passes from _wedding_dbopt.rolled_day where day = %s", first) == (
        timedelta(hours=hours),
        hours,
    )
    assert tuner.value(ROLLED.format("day") + "where packed.day = %s", first) == 3 * hours
    history = """
        select calls from _wedding_dbopt.statement s join _wedding_dbopt.statement_text t on t.statement_id = s.id
        cross join wedding_dbopt.get_query_history(s.queryid::text, '30d', %s)
        where t.query like '%%from booking where vendor%%' and step_start = %s
          and s.dbid = (select oid from pg_database where datname = current_database())"""
    assert tuner.column(history, first + timedelta(hours=hours + 2), first) == [3 * hours]
    day, two = timedelta(hours=24), timedelta(hours=48)
    compared = """
        select hours_before from _wedding_dbopt.trend_tests(%s, %s, '1 hour', array[%s])
        where context = 'all' and metric = 'calls'"""
    assert tuner.value(compared, first + day, first + two, first) == 24
    for at in (first - day, first, first + day, first + two, first + 2 * two):
        maintain(tuner, at)
        assert tuner.rows(FAILED, at) == []
    widths = r"""
        select distinct b[2]::timestamptz - b[1]::timestamptz
        from pg_inherits i join pg_class c on c.oid = i.inhrelid,
             regexp_match(pg_get_expr(c.relpartbound, c.oid), '\(''(.*)''\) TO \(''(.*)''\)') b
        where i.inhparent = '_wedding_dbopt.statement_sample'::regclass and b is not null"""
    tuner.run("set timezone = 'UTC'")
    assert tuner.column(widths) == [day]


def test_no_hour_belongs_to_two_days_where_midnight_lies_inside_it(tuner: Tuner) -> None:
    tuner.set(time_zone="Asia/Kolkata")
    tuner.table(rows=10)
    midnight = datetime.fromisoformat("2101-03-05T18:30:00+00:00")
    times = [midnight + timedelta(minutes=30 * step) for step in range(-6, 54)]
    collect(tuner, times)
    maintain(tuner, times[-1] + timedelta(hours=1))
    day = "select day at time zone 'Asia/Kolkata', until - day from _wedding_dbopt.rolled_day order by day"
    assert (midnight.replace(tzinfo=None) + timedelta(hours=6), timedelta(hours=24)) in tuner.rows(day)
    for begun in range(0, 12):
        for ended in range(48, 59):
            summed = """
                select sum(s.calls)::integer from _wedding_dbopt.statement_sum(%s, %s) s
                join _wedding_dbopt.statement_text t using (statement_id)
                where t.query like '%%from booking where vendor%%'"""
            assert tuner.value(summed, times[begun], times[ended]) == 3 * (ended - begun)


@pytest.mark.parametrize(
    ("table", "step"),
    [("statement_hour", "roll_up_hours"), ("baseline", "take_baseline")],
)
def test_what_a_kill_cut_off_is_whole_after_the_next_run(crashable: Tuner, table: str, step: str) -> None:
    crashable.table(rows=10)
    collect(crashable, hourly(BEGIN, 26))
    end = BEGIN + timedelta(hours=26, seconds=1)
    holder = crashable.cluster.connect()
    holder.execute(f"begin; lock table _wedding_dbopt.{table} in share mode".encode())
    job = Background(crashable.cluster, "test", f"call wedding_dbopt.maintain('{end.isoformat()}')")
    waiting = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
    until(lambda: crashable.value(waiting, job.pid), 60)
    crashable.cluster.restart()
    job.join()
    assert job.error is not None
    crashable.connect_again()
    later = end + timedelta(minutes=1)
    maintain(crashable, later)
    assert crashable.rows(FAILED, later) == []
    assert crashable.value(HOURS, BEGIN) == 26
    assert crashable.value(ROLLED.format("hour")) == 3 * 26
    assert crashable.value(ROLLED.format("day")) == 3 * 24
    assert crashable.value("select count(*) from _wedding_dbopt.baseline where origin = 'daily'") == 1
    done = "select count(*) from _wedding_dbopt.collect_log where source = %s and sqlstate is null"
    assert crashable.value(done, f"maintain: {step}") >= 1


def test_a_disk_that_is_full_costs_the_step_and_the_next_run_makes_it_good(crashable: Tuner) -> None:
    crashable.table(rows=10)
    collect(crashable, hourly(BEGIN, 3))
    # The files of WAL are 16 MB long, so the limit is above that, and so is the table before it has to grow.
    crashable.run(
        """insert into _wedding_dbopt.statement_hour (hour, chunk, ids, calls, exec_us, exec_sq)
           select '2101-01-01Z', -n, many.ids, '{}', '{}', '{}' from generate_series(1, 2400) n,
             (select array_agg((random() * 2e9)::integer) as ids from generate_series(1, 2010)) many"""
    )
    limits = resource.prlimit(crashable.session.info.backend_pid, resource.RLIMIT_FSIZE)
    size = crashable.value("select pg_relation_size('_wedding_dbopt.statement_hour')")
    assert size > 17 * 2**20
    resource.prlimit(crashable.session.info.backend_pid, resource.RLIMIT_FSIZE, (size, limits[1]))
    full = BEGIN + timedelta(hours=3, seconds=1)
    maintain(crashable, full)
    failed = dict(crashable.rows(FAILED, full))
    assert list(failed) == ["maintain: roll_up_hours"]
    assert "could not extend file" in failed["maintain: roll_up_hours"]
    assert crashable.value(HOURS, BEGIN) == 0
    resource.prlimit(crashable.session.info.backend_pid, resource.RLIMIT_FSIZE, limits)
    later = full + timedelta(minutes=1)
    maintain(crashable, later)
    assert crashable.rows(FAILED, later) == []
    assert crashable.value(HOURS, BEGIN) == 3
    assert crashable.value(ROLLED.format("hour")) == 9


def test_a_disk_that_is_full_costs_a_pass_and_the_next_one_loses_nothing(crashable: Tuner) -> None:
    crashable.table(rows=10)
    crashable.run(MARK)
    collect(crashable, [BEGIN])
    # The files of WAL are 16 MB long, so the limit is above that. A few passes find room in pages that are there.
    crashable.run(
        """insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
           select timestamptz '2101-01-01Z' + n * interval '1 second', '2101-01-01Z', true, many.ids, '{}', '{}', '{}'
           from generate_series(1, 9600) n,
             (select array_agg((random() * 2e9)::integer) as ids from generate_series(1, 475)) many"""
    )
    limits = resource.prlimit(crashable.session.info.backend_pid, resource.RLIMIT_FSIZE)
    size = crashable.value("select pg_relation_size('_wedding_dbopt.statement_sample_default')")
    assert size > 17 * 2**20
    resource.prlimit(crashable.session.info.backend_pid, resource.RLIMIT_FSIZE, (size, limits[1]))
    failed: list[tuple[str, str]] = []
    minute, calls = 0, 0
    while not failed and minute < 40:
        minute, calls = minute + 1, calls + 3
        for _ in range(3):
            crashable.run(MARK)
        crashable.collect((BEGIN + timedelta(minutes=minute)).isoformat())
        failed = crashable.rows(
            "select source, reason from _wedding_dbopt.collect_log where at >= %s and sqlstate is not null",
            BEGIN,
        )
    assert [source for source, _ in failed] == ["statements"]
    assert "could not extend file" in failed[0][1]
    resource.prlimit(crashable.session.info.backend_pid, resource.RLIMIT_FSIZE, limits)
    for _ in range(2):
        crashable.run(MARK)
    crashable.collect((BEGIN + timedelta(minutes=minute + 1)).isoformat())
    stored = """
        select {} from _wedding_dbopt.statement_delta(%s, 'infinity') d
        join _wedding_dbopt.statement_text t on t.statement_id = d.statement_id
        where t.query like '%%from booking where vendor%%'"""
    assert crashable.row(stored.format("sum(d.calls), bool_and(d.complete)"), BEGIN) == (calls + 2, True)
    assert crashable.row(stored.format("max(d.at) - max(d.previous_at), max(d.calls)"), BEGIN) == (
        timedelta(minutes=2),
        5,
    )


def test_a_reader_that_stays_delays_the_partitions_of_its_table_alone(tuner: Tuner) -> None:
    tuner.table(rows=10)
    maintain(tuner, BEGIN)
    collect(tuner, [BEGIN, BEGIN + timedelta(hours=1)])
    later = BEGIN + timedelta(days=10)
    days = """select count(*) from pg_inherits where inhparent = '_wedding_dbopt.{0}'::regclass
              and inhrelid::regclass::text ~ '{1}$'"""
    with tuner.cluster.connect(tuner.database) as reader:
        reader.execute("begin; select count(*) from _wedding_dbopt.connection_sample")
        maintain(tuner, later)
        assert tuner.value(days.format("connection_sample", "21010305")) == 1
        assert tuner.value(days.format("connection_sample", "21010315")) == 0
        for table in ("statement_sample", "collect_log"):
            assert tuner.value(days.format(table, "21010305")) == 0
            assert tuner.value(days.format(table, "21010315")) == 1
        waited = tuner.column(
            """select distinct source from _wedding_dbopt.collect_log
               where at = %s and reason like '%%connection_sample%%' order by 1""",
            later,
        )
        assert waited == ["maintain: drop_partitions", "maintain: make_partitions"]
        reader.execute("rollback")
    maintain(tuner, later)
    assert tuner.value(days.format("connection_sample", "21010305")) == 0
    assert tuner.value(days.format("connection_sample", "21010315")) == 1


def test_nobody_queues_behind_partitions_that_wait_for_a_reader(tuner: Tuner) -> None:
    tuner.table(rows=10)
    maintain(tuner, BEGIN)
    collect(tuner, [BEGIN, BEGIN + timedelta(hours=1)])
    later = BEGIN + timedelta(days=10)
    reads = 0
    with tuner.cluster.connect(tuner.database) as reader, tuner.cluster.connect(tuner.database) as other:
        reader.execute("begin; select count(*) from _wedding_dbopt.statement_sample")
        other.execute("set lock_timeout = '50ms'")
        job = Background(tuner.cluster, tuner.database, f"call wedding_dbopt.maintain('{later.isoformat()}')")
        while job.running:
            other.execute("select max(at) from _wedding_dbopt.statement_sample")
            reads += 1
        job.join()
        reader.execute("rollback")
    assert job.error is None
    assert reads
    waited = (
        "select count(*) from _wedding_dbopt.collect_log where at = %s and reason like '%%statement_sample%%'"
    )
    assert tuner.value(waited, later) == 2
