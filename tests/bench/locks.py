"""How long others wait for a lock because of an action, by type, under traffic with transactions that stay open.

The server logs each wait for a lock that lasts a millisecond or more, with its length. Counted are the application's waits for
relations while the action is applied and while it is undone; its statements never wait there for each other. Wall clock
does not matter, so a slow machine changes little. The same once more with the patience of a person, `lock_timeout` 2 s.
"""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

from tests.cluster import Cluster
from tests.system.deeds import CASES, Case
from tests.system.tuner import Tuner, until

BAR_MS = 100
ROWS = 200_000
APPLICATION = "the application"
#: Tables of the cases, and what the traffic does with them.
TRAFFIC = (
    "update booking set amount = amount + 1 where id = {number}",
    "insert into booking (vendor, amount, note) values ({number}, {number}, 'new')",
    "select count(*) from booking where id between {number} and {number} + 100",
    "insert into parted values ({number}, date '2020-06-01' + {number} % 900, {number} % 3)",
    "select count(*) from parted where vendor = {number} % 3 and day = '2020-06-01'",
    "select count(*) from shown where id < {number} % 100",
)
_WAITED = re.compile(
    rf"^{APPLICATION} .*process \d+ (?:acquired|still waiting for) (\w+) on relation .* after ([\d.]+) ms",
    re.MULTILINE,
)
SETTINGS = {
    "log_lock_waits": "on",
    "deadlock_timeout": "1ms",
    "logging_collector": "on",
    "log_directory": "locks",
    "log_filename": "server.log",
    "autovacuum": "off",
}


class Traffic:
    """Sessions that work without a pause, one of which keeps each transaction open for a quarter of a second."""

    def __init__(self, cluster: Cluster, database: str, sessions: int = 3) -> None:
        self._cluster, self._database = cluster, database
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(sessions)]
        self.calls = 0

    def _work(self, place: int) -> None:
        number = place
        with self._cluster.connect(self._database, application_name=APPLICATION) as session:
            while not self._over.is_set():
                number = (number * 7919 + 13) % ROWS + 1
                slow = place == 0
                if slow:
                    session.execute("begin")
                for statement in TRAFFIC:
                    session.execute(statement.replace("{number}", str(number)).encode())
                    self.calls += 1
                if slow:
                    time.sleep(0.25)
                    session.execute("commit")

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def run() -> None:
    with Cluster(**SETTINGS) as cluster:
        with cluster.connect() as session:
            session.execute("create role app login")
        cluster.install("test", "hypopg")
        with Tuner(cluster, "test") as tuner:
            _measure(cluster, tuner)


def _measure(cluster: Cluster, tuner: Tuner) -> None:
    # The long transactions are the point here, so nothing is postponed for them.
    tuner.set(long_transaction_limit="1 hour", heavy_work_bytes="2000000000")
    tuner.table(rows=ROWS)
    for case in CASES:
        case.prepare(tuner, "app")
    log = cluster.data_directory / "locks" / "server.log"
    with cluster.connect() as session:
        session.execute("alter system set log_line_prefix = '%a '")
        session.execute("select pg_reload_conf()")
    print(f"  {'type':38} {'longest wait, ms':>17} {'waits':>7}   (bar: {BAR_MS} ms, {ROWS} rows)")
    worst = 0.0
    with Traffic(cluster, tuner.database) as traffic:
        for case in CASES:
            longest, number = _case(tuner, case, log)
            worst = max(worst, longest)
            print(f"  {case.name:38} {longest:17.1f} {number:7d}", flush=True)
        tuner.set(lock_timeout="2 s")
        longest, number = _case(tuner, next(case for case in CASES if case.name == "policy"), log)
        print(
            f"  {'policy, with lock_timeout 2 s':38} {longest:17.1f} {number:7d}   (what the short timeout saves)"
        )
    print(f"  {traffic.calls} statements of the application ran meanwhile")
    print(f"  longest wait {worst:.1f} ms: {'under' if worst < BAR_MS else 'OVER'} the bar of {BAR_MS} ms")


def _case(tuner: Tuner, case: Case, log: Path) -> tuple[float, int]:
    """The longest wait of the application and the number of its waits, while the action is applied and undone."""
    begin = log.stat().st_size
    action = case.enqueue(tuner, "app")
    _settled(tuner, action, ("verifying", "kept"))
    if case.undone:
        tuner.run("select wedding_dbopt.rollback_action(%s)", action)
        _settled(tuner, action, ("rolled_back",))
    with log.open(encoding="utf-8", errors="replace") as text:
        text.seek(begin)
        waits = [float(found[2]) for found in _WAITED.finditer(text.read())]
    return max(waits, default=0.0), len(waits)


def _settled(tuner: Tuner, action: int, states: tuple[str, ...]) -> None:
    def reached() -> bool:
        tuner.process()
        return tuner.state(action) in states

    until(reached, 300)
