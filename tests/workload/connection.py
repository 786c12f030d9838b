"""How the tools of the workload name a server: a conninfo string, or its parts as a dictionary."""

import argparse
from collections.abc import Mapping

Connection = str | Mapping[str, str | int]


def conninfo(connection: Connection) -> str:
    """The connection as libpq reads it.

    >>> conninfo({"host": "/tmp/my socket", "port": 5433})
    "host='/tmp/my socket' port='5433'"
    """
    if isinstance(connection, str):
        return connection
    escape = str.maketrans({"\\": r"\\", "'": r"\'"})
    return " ".join(f"{name}='{str(value).translate(escape)}'" for name, value in connection.items())


def add_connection_arguments(parser: argparse.ArgumentParser, user: str) -> None:
    parser.add_argument("--host", required=True, help="host name or directory of the unix socket")
    parser.add_argument("--port", type=int, default=5432)
    parser.add_argument("--dbname", required=True)
    parser.add_argument("--user", default=user, help="default: %(default)s")


def connection_of(arguments: argparse.Namespace) -> Connection:
    return {name: getattr(arguments, name) for name in ("host", "port", "dbname", "user")}
