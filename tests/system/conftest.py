"""One throw-away cluster for the run, one fresh database with the extension for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.cluster import Cluster
from tests.system.tuner import Tuner

TEMPLATE = "installed"
_numbers = itertools.count()


@contextmanager
def prepared() -> Iterator[Cluster]:
    """A cluster with the template of every test's database."""
    with Cluster() as running:
        with running.connect() as connection:
            connection.execute(f"create database {TEMPLATE}")
        running.install(TEMPLATE, "hypopg")
        yield running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with prepared() as running:
        yield running


@contextmanager
def fresh_database(cluster: Cluster) -> Iterator[str]:
    """Name of a database made from the template, dropped again at the end."""
    name = f"db{next(_numbers)}"
    with cluster.connect() as connection:
        connection.execute(f"create database {name} template {TEMPLATE}")
    yield name
    with cluster.connect() as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    """Name of a fresh database with the extension and hypopg."""
    with fresh_database(cluster) as name:
        yield name


@pytest.fixture
def connection(cluster: Cluster, database: str) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's autocommit session in the fresh database."""
    with cluster.connect(database) as session:
        yield session


@pytest.fixture
def role(cluster: Cluster) -> Iterator[str]:
    """An ordinary role that may log in; gone after the test."""
    name = f"app{next(_numbers)}"
    with cluster.connect() as connection:
        connection.execute(f"create role {name} login")
        yield name
        for (owned,) in connection.execute(
            "select datname from pg_database where datallowconn and not datistemplate"
        ).fetchall():
            with cluster.connect(owned) as inside:
                inside.execute(f"drop owned by {name} cascade")
        connection.execute(f"drop role {name}")


@pytest.fixture
def tuner(cluster: Cluster, database: str) -> Iterator[Tuner]:
    """The loop in a fresh database, driven by hand."""
    with Tuner(cluster, database) as driven:
        yield driven


@pytest.fixture
def app(tuner: Tuner, role: str) -> Iterator[str]:
    """An ordinary role whose settings, everywhere and in the database, are gone after the test."""
    yield role
    tuner.run(f"alter role {role} reset all; alter role {role} in database {tuner.database} reset all")


@pytest.fixture(scope="module")
def fragile() -> Iterator[Cluster]:
    """A cluster that the tests of one module may crash."""
    with prepared() as running:
        yield running


@pytest.fixture
def crashable(fragile: Cluster) -> Iterator[Tuner]:
    """The loop in a fresh database of the cluster that may be crashed."""
    with fresh_database(fragile) as name, Tuner(fragile, name) as driven:
        yield driven
