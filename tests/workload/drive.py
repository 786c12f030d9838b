"""Drive the platform: one open-loop pgbench per context, side by side, and what users would have felt.

Open loop means that transactions arrive at their rate whether or not the server keeps up, and that latency
counts from the scheduled arrival: an overloaded server shows as waiting and failure, not as fewer arrivals.
"""

import argparse
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.workload.connection import Connection, add_connection_arguments, connection_of, conninfo
from tests.workload.profiles import CONTEXTS, PROFILES

SCRIPTS = Path(__file__).parent / "scripts"

NOT_STARTED = 1
"""The exit status of pgbench for a wrong call or a refused connection; errors during the run give 2."""


@dataclass
class Transactions:
    """The transactions of one context or script, as its logs tell them."""

    latencies_ms: list[float] = field(default_factory=list)
    """Of those done, from scheduled arrival to end."""
    late: int = 0
    """Done, but beyond the latency limit."""
    not_done: int = 0
    """Skipped because they were too late before they began, or failed."""

    @property
    def scheduled(self) -> int:
        return self.done + self.not_done

    @property
    def done(self) -> int:
        return len(self.latencies_ms)

    @property
    def average_ms(self) -> float:
        return sum(self.latencies_ms) / self.done if self.done else math.nan

    @property
    def failures(self) -> int:
        return self.late + self.not_done

    @property
    def success(self) -> float:
        """Share of the scheduled transactions that were done in time."""
        return 1 - self.failures / self.scheduled if self.scheduled else math.nan

    def percentile_ms(self, percent: float) -> float:
        return percentile(self.latencies_ms, percent)

    def extend(self, other: "Transactions") -> None:
        self.latencies_ms += other.latencies_ms
        self.late += other.late
        self.not_done += other.not_done


@dataclass(kw_only=True)
class ContextResult(Transactions):
    objective_ms: float
    scripts: dict[str, Transactions]
    errors: list[str]
    """What pgbench said of statements that failed; each costs the context one of its connections."""

    @property
    def met(self) -> bool:
        """The objective holds at p95, more than 99 % succeed and no statement met an error."""
        return self.percentile_ms(95) <= self.objective_ms and self.success > 0.99 and not self.errors


@dataclass
class Result:
    profile: str
    seconds: float
    contexts: dict[str, ContextResult]

    @property
    def total(self) -> Transactions:
        total = Transactions()
        for context in self.contexts.values():
            total.extend(context)
        return total

    @property
    def met(self) -> bool:
        return all(context.met for context in self.contexts.values())

    def table(self, scripts: bool = False) -> str:
        """The result as text; with `scripts`, one more line for each script."""
        head = (
            f"{'':28}{'objective':>10}{'scheduled':>10}{'done':>8}{'average':>9}{'p50':>9}{'p95':>9}{'p99':>9}"
            f"{'failures':>9}{'success':>9}  met"
        )
        lines = [f"profile {self.profile}, {self.seconds:g} s, latencies in ms", head]
        for name, context in self.contexts.items():
            objective = f"{context.objective_ms:g}"
            lines.append(_row(name, objective, context) + ("  yes" if context.met else "  no"))
            if scripts:
                lines += [_row(f"  {script}", "", done) for script, done in context.scripts.items()]
            lines += [f"  {error}" for error in context.errors]
        lines.append(_row("total", "", self.total))
        return "\n".join(lines)


def _row(name: str, objective: str, done: Transactions) -> str:
    latencies = [done.average_ms, *(done.percentile_ms(percent) for percent in (50, 95, 99))]
    return (
        f"{name:28}{objective:>10}{done.scheduled:>10}{done.done:>8}"
        + "".join(f"{latency:>9.1f}" for latency in latencies)
        + f"{done.failures:>9}{done.success:>9.2%}"
    )


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank); nan of nothing.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 50)
    2.0
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else math.nan


def parse_log(lines: Iterable[str], scripts: Sequence[str], limit_ms: float) -> dict[str, Transactions]:
    """What a per-transaction log of pgbench says of each script.

    A line is: client, number, latency in microseconds or `skipped` or `failed`, script number, time.
    """
    result = {script: Transactions() for script in scripts}
    for line in lines:
        _client, _number, latency, script, *_time = line.split()
        transactions = result[scripts[int(script)]]
        if latency in ("skipped", "failed"):
            transactions.not_done += 1
        else:
            latency_ms = int(latency) / 1000
            transactions.latencies_ms.append(latency_ms)
            transactions.late += latency_ms > limit_ms
    return result


def run(
    connection: Connection,
    profile: str,
    seconds: int,
    *,
    time_scale: float = 1.0,
    clients: int = 8,
    contexts: Sequence[str] = tuple(CONTEXTS),
    protocol: str = "prepared",
    seed: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Send the traffic of a profile for some seconds and return what each context met.

    `time_scale` multiplies all rates, as if the day went by that much faster; `clients` is the size of each
    context's connection pool; `progress` is called about once a second with the seconds gone by. The
    connection's user must be allowed to switch to the contexts' roles, as `authenticator` is.
    """
    sizes = _sizes(connection)
    with tempfile.TemporaryDirectory(prefix="workload-") as directory:
        logs = Path(directory)
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name in contexts:
                rate = CONTEXTS[name].rate * PROFILES[profile][name] * time_scale
                options = [
                    f"--time={seconds}",
                    f"--client={clients}",
                    f"--protocol={protocol}",
                    f"--rate={rate}",
                ]
                if seed is not None:
                    options.append(f"--random-seed={seed}")
                running[name] = _start(connection, name, [*options, *sizes], logs)
            started = time.monotonic()
            while any(pgbench.poll() is None for pgbench in running.values()):
                time.sleep(0.2 if progress is None else 1)
                if progress is not None:
                    progress(time.monotonic() - started)
        finally:
            for pgbench in running.values():
                pgbench.terminate()
            for pgbench in running.values():
                pgbench.wait()
        return Result(
            profile, seconds, {name: _read(name, pgbench, logs) for name, pgbench in running.items()}
        )


def _sizes(connection: Connection) -> list[str]:
    """The number of rows of each entity, as pgbench variables."""
    query = "set role service_role; select format('--define=%s=%s', entity, rows) from workload.size"
    command = [
        "psql",
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        query,
        "-d",
        conninfo(connection),
    ]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def _start(connection: Connection, name: str, options: list[str], logs: Path) -> subprocess.Popen[bytes]:
    context = CONTEXTS[name]
    command = ["pgbench", "--no-vacuum", "--log", f"--log-prefix={logs / name}", *options]
    command.append(f"--latency-limit={context.latency_limit_ms:g}")
    for script, weight in context.scripts.items():
        command.append(f"--file={SCRIPTS / f'{name}_{script}.sql'}@{weight}")
    environment = os.environ | {"PGOPTIONS": f"-c role={context.role}", "PGAPPNAME": name}
    with (logs / f"{name}.errors").open("w") as errors:
        return subprocess.Popen(
            [*command, conninfo(connection)], env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )


def _read(name: str, pgbench: subprocess.Popen[bytes], logs: Path) -> ContextResult:
    context = CONTEXTS[name]
    messages = (logs / f"{name}.errors").read_text()
    if pgbench.returncode == NOT_STARTED:
        raise RuntimeError(f"pgbench could not start the context {name}: {messages}")
    with (logs / f"{name}.{pgbench.pid}").open() as log:
        scripts = parse_log(log, list(context.scripts), context.latency_limit_ms)
    errors = [line for line in messages.splitlines() if "ERROR" in line or "FATAL" in line]
    result = ContextResult(objective_ms=context.objective_ms, scripts=scripts, errors=errors)
    for transactions in scripts.values():
        result.extend(transactions)
    result.not_done += len(errors)
    return result


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit("stopped")


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Drive the platform and tell what its users would have felt."
    )
    add_connection_arguments(parser, user="authenticator")
    parser.add_argument("--profile", choices=PROFILES, default="season")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--time-scale", type=float, default=1.0, help="factor on all rates")
    parser.add_argument("--clients", type=int, default=8, help="connections of each context")
    parser.add_argument("--seed", type=int, help="seed of pgbench, for the same choices again")
    parser.add_argument("--scripts", action="store_true", help="one more line for each script")
    arguments = parser.parse_args()
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _stop)
    result = run(
        connection_of(arguments),
        arguments.profile,
        arguments.seconds,
        time_scale=arguments.time_scale,
        clients=arguments.clients,
        seed=arguments.seed,
    )
    print(result.table(arguments.scripts))


if __name__ == "__main__":
    main()
