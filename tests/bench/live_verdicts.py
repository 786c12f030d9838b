"""Verdicts on a real server under pgbench: an index that nothing uses, and one that makes a hot write twice as slow."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.verdicts import shown
from tests.cluster import Cluster, server_binary
from tests.system.tuner import Tuner, until

TRIALS = int(os.environ.get("TRIALS", "10"))
#: Passes of a second each before the change, and looks after it.
BEFORE, LOOKS = 10, 5
TABLES = ("guest", "vendor", "payment", "task")
SCRIPT = """
\\set id random(1, 20000)
\\set few random(1, 1000)
update booking set amount = amount + 1 where id = :id;
select sum(amount) from booking where id between :id and :id + 20;
select count(*) from guest where id < :few;
select count(*) from vendor where id < :few;
select count(*) from payment where id < :few;
select count(*) from task where id < :few;
"""
SLOW = """
create function slow(value integer) returns integer language plpgsql immutable as $$
begin for i in 1 .. {rounds} loop perform md5(i::text); end loop; return value; end $$
"""


@contextmanager
def prepared_load(tuner: Tuner) -> Iterator[None]:
    """The tables, and two clients that run the script two hundred times a second."""
    prepare(tuner)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "mixed.sql"
        script.write_text(SCRIPT)
        running = subprocess.Popen(
            [server_binary("pgbench"), "-n", "-c", "2", "-R", "200", "-T", "3600", "-f", str(script)],
            env=tuner.cluster.environment(tuner.database),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            running.terminate()
            running.wait()


def prepare(tuner: Tuner) -> None:
    tuner.table(rows=20000)
    for table in TABLES:
        tuner.run(f"create table {table} (id serial primary key, note text)")
        tuner.run(f"insert into {table} (note) select repeat('x', 40) from generate_series(1, 2000)")
        tuner.run(f"vacuum analyze {table}")
    tuner.set(verification_min_window="1 hour")


def observe(tuner: Tuner, passes: int) -> None:
    for _ in range(passes):
        tuner.run("select pg_sleep(1)")
        tuner.collect()


def trial(cluster: Cluster, database: str, keys: str, serves: str) -> tuple[str, int, list[str]]:
    """State, number of looks and verdicts on statements of an index on `keys`, at most LOOKS looks after it."""
    with Tuner(cluster, database) as tuner, prepared_load(tuner):
        tuner.run(SLOW.format(rounds=rounds(tuner)))
        tuner.collect()
        observe(tuner, BEFORE)
        action = tuner.action("booking", keys, serves=serves)
        tuner.process()
        tuner.collect()
        said: list[str] = []
        for look in range(1, LOOKS + 1):
            observe(tuner, 1)
            tuner.process()
            said += tuner.column(
                "select verdict from _wedding_dbopt.verification where action_id = %s", action
            )
            if tuner.state(action) != "verifying":
                return tuner.state(action), look, said
        return tuner.state(action), LOOKS, said


def rounds(tuner: Tuner) -> int:
    """How many rounds make the function as slow as the update is now: the quickest of ten runs, which nobody disturbed."""
    calls = "from pg_stat_statements where query like %s and calls >= %s order by calls desc limit 1"
    update = until(lambda: tuner.value(f"select mean_exec_time {calls}", "update booking%", 100))
    tuner.run(SLOW.format(rounds=2000))
    for _ in range(10):
        tuner.run("select slow(g) from generate_series(1, 20) g")
    twenty = until(lambda: tuner.value(f"select min_exec_time {calls}", "select slow(g)%", 10))
    tuner.run("drop function slow(integer)")
    return max(round(20 * 2000 * float(update) / float(twenty)), 1)


def run() -> None:
    with Cluster(max_wal_size="4GB") as cluster:
        false, reverted, looks = 0, 0, []
        for number in range(TRIALS):
            for kind, keys, serves in (
                ("nothing", "note", "sum(amount)"),
                ("slow", "public.slow(amount)", "sum(amount)"),
            ):
                name = f"{kind}{number}"
                with cluster.connect() as connection:
                    connection.execute(f"create database {name}")
                cluster.install(name)
                state, look, said = trial(cluster, name, keys, serves)
                if kind == "nothing":
                    false += "regressed" in said or "improved" in said
                else:
                    reverted += state == "rolled_back" and look <= 2
                    looks.append(look if state == "rolled_back" else None)
                with cluster.connect() as connection:
                    connection.execute(f"drop database {name} with (force)")
        print(f"\n  {TRIALS} trials of each on a server under pgbench; percent, with 95 % interval (Wilson)")
        print(
            f"  an index that nothing uses, called a gain or a regression at any of {LOOKS} looks {shown(false, TRIALS):>22}"
        )
        print(f"  an update made twice as slow, undone within two looks {shown(reverted, TRIALS):>41}")
        print(f"  look at which it was undone: {looks}")
