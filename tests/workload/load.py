"""Load the platform and its data into an empty database."""

import argparse
import datetime
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.workload.connection import Connection, add_connection_arguments, connection_of, conninfo

HERE = Path(__file__).parent


def load(
    connection: Connection,
    scale: float = 1.0,
    anchor: datetime.date | None = None,
    progress: Callable[[str], None] = print,
) -> None:
    """Create tables, roles and rows, as a superuser. `progress` gets the name of each step."""
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"scale={scale}"]
    if anchor is not None:
        command += ["-v", f"anchor={anchor}"]
    command += ["-f", str(HERE / "platform.sql"), "-f", str(HERE / "data.sql"), "-d", conninfo(connection)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as psql:
        assert psql.stdout is not None
        for line in psql.stdout:
            progress(line.rstrip())
    if psql.returncode != 0:
        raise subprocess.CalledProcessError(psql.returncode, command)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_connection_arguments(parser, user=os.environ.get("PGUSER", "postgres"))
    parser.add_argument("--scale", type=float, default=1.0, help="1 is about 3.6 million rows")
    parser.add_argument(
        "--anchor", type=datetime.date.fromisoformat, help="the today of the data, YYYY-MM-DD"
    )
    arguments = parser.parse_args()
    load(connection_of(arguments), arguments.scale, arguments.anchor)


if __name__ == "__main__":
    main()
