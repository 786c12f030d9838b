"""Databases to try random statements in: the platform with awkward rows, the fixtures of the rules, and strange tables."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import Session as Connection
from tests.bench.random_tests import Column, Parent, Table
from tests.cluster import Cluster
from tests.session import Session

ROOT = Path(__file__).parents[1]
#: The platform's generated rows come from these recipes, by name.
RECIPES = ("more rows", "duplicates and ties", "mostly NULL", "clocks go back over midnight")

_COLUMNS = """
select c.relname, a.attname,
       case when t.typtype = 'e' then 'enum' when t.typcategory = 'A' then 'ARRAY'
            else regexp_replace(format_type(a.atttypid, null), '\\(.*', '') end,
       not a.attnotnull, format_type(a.atttypid, null), a.attgenerated <> '',
       coalesce((select c.collisdeterministic from pg_collation c where c.oid = a.attcollation), true)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
where c.relnamespace = current_schema()::regnamespace and not c.relispartition
  and (c.relkind in ('r', 'p') and exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
       or c.relkind = 'v' and a.attname <> 'luck'
          and exists (select from pg_attribute k where k.attrelid = c.oid and k.attname = 'id' and k.attnum = 1))
order by c.relname, a.attnum
"""
_KEYS = """
select c.conrelid::regclass::text, c.contype, c.confrelid::regclass::text,
       array(select a.attname::text from unnest(c.conkey) with ordinality k(n, place)
             join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n order by place),
       array(select a.attname::text from unnest(c.confkey) with ordinality k(n, place)
             join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n order by place),
       not exists (select from unnest(c.conkey, c.confkey) as k(own, there)
                   join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own
                   join pg_attribute b on b.attrelid = c.confrelid and b.attnum = k.there
                   where a.attcollation <> b.attcollation)
from pg_constraint c where c.contype in ('p', 'f') and c.connamespace = current_schema()::regnamespace
"""
_STRANGER = """
create schema strange;
drop role if exists stranger;
create role stranger login;
grant all on schema strange to stranger;
alter role stranger set search_path = strange, public
"""
#: Every table tells when the session of an analysis writes to it: a sequence goes on even where all is rolled back.
_ALARM = """
create sequence public.touched;
create function public.tell() returns trigger language plpgsql as $$
begin
  if current_setting('roundtrip.analyst', true) = 'on' then perform nextval('public.touched'); end if;
  return null;
end $$;
do $$ declare named text; begin
  for named in select format('%I.%I', n.nspname, relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where relkind = 'r' and nspname in ('public', 'rewriting', 'strange') and not relispartition loop
    execute 'create trigger told before insert or update or delete on ' || named || ' execute function public.tell()';
  end loop;
end $$;
"""


class Place:
    """One schema in several databases with the same tables and other rows."""

    def __init__(self, connections: Sequence[Connection], schema: str) -> None:
        from wedding_dbopt.catalog import Catalog
        from wedding_dbopt.query import Table as Named

        self.connections = connections
        for connection in connections:
            connection.execute(f"set search_path = {schema}, public")
        self.tables = read_tables(connections)
        self.session = Session(connections[0])
        self.path = [schema, "public"]
        names = [row[0] for row in connections[0].execute(
            "select relname from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'v', 'p')", [schema]
        ).fetchall()]  # fmt: skip
        self.catalog = Catalog.load(self.session, [Named(None, name, name) for name in names], self.path)


def read_tables(connections: Sequence[Connection]) -> dict[str, Table]:
    """The tables with a primary key, the views that begin with one, and values that occur in any of the databases."""
    keys = connections[0].execute(_KEYS).fetchall()
    found: dict[str, list[Column]] = {}
    generated: dict[str, list[str]] = {}
    for table, name, kind, nullable, full, made, searchable in connections[0].execute(_COLUMNS).fetchall():
        values: dict[str, None] = {}
        for connection in connections:
            sample = f'select "{name}"::text from "{table}" where "{name}" is not null order by md5("{name}"::text) limit 8'
            values |= dict.fromkeys(row[0] for row in connection.execute(sample.encode()).fetchall())
        if made:
            generated.setdefault(table, []).append(name)
        shown = kind if kind != "ARRAY" else full
        found.setdefault(table, []).append(
            Column(name, "ARRAY" if "[]" in shown else kind, nullable, tuple(values), searchable)
        )
    return {
        table: Table(
            table,
            tuple(columns),
            next((tuple(own) for name, kind, _, own, _, _ in keys if name == table and kind == "p"), ("id",)),
            tuple(
                Parent(own[0], parent, there[0], single)
                for name, kind, parent, own, there, single in keys
                if name == table and kind == "f" and len(own) == 1 and parent in found
            ),
            tuple(generated.get(table, ())),
        )
        for table, columns in found.items()
    }


def fill_platform(connection: Connection, recipe_name: str, seed: int) -> None:
    """Rows under the platform's constraints, full of NULLs, duplicates and edges."""
    from wedding_dbopt.catalog import Catalog
    from wedding_dbopt.query import Table as Named
    from wedding_dbopt.rewrite.constraints import shapes
    from wedding_dbopt.rewrite.edge_values import Constants
    from wedding_dbopt.rewrite.generated_tables import RECIPES as KNOWN
    from wedding_dbopt.rewrite.generated_tables import definitions, generated, parents_first

    session = Session(connection)
    names = [row[0] for row in connection.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    ).fetchall()]  # fmt: skip
    catalog = Catalog.load(session, [Named(None, name, name) for name in names], ["public"])
    made = shapes(session, catalog)
    recipe = next(recipe for recipe in KNOWN if recipe.name == recipe_name)
    constants = Constants(["EUR", "paid", "a", "k", "seats"], ["5", "7"])
    tables = generated(made, constants, recipe, seed)
    listed = {shape.place: f"public.{shape.name}" for shape in made}
    for definition, shape in zip(definitions(made, tables, listed), parents_first(made)):
        body = definition.split(" as materialized ", 1)[1]
        connection.execute(f"insert into {listed[shape.place]} {body} on conflict do nothing".encode())


@dataclass(frozen=True)
class Laboratory:
    """Databases to try statements in."""

    cluster: Cluster
    places: Sequence[Place]
    analysts: Sequence[Connection]


def laboratory(cluster: Cluster, stack: ExitStack, seed: int) -> Laboratory:
    """Make the databases in a running cluster."""
    connections = []
    for number, recipe in enumerate(RECIPES):
        with cluster.connect("postgres") as admin:
            admin.execute(f"create database roundtrip{number}")
        connection = stack.enter_context(cluster.connect(f"roundtrip{number}"))
        connection.execute((ROOT / "workload" / "platform.sql").read_text().encode())
        fill_platform(connection, recipe, seed + number)
        connection.execute("analyze")
        connections.append(connection)
    fixtures = stack.enter_context(cluster.connect("roundtrip0"))
    fixtures.execute("create schema rewriting")
    fixtures.execute("set search_path = rewriting, public")
    fixtures.execute((ROOT / "fixtures" / "rewrite" / "schema.sql").read_text().encode())
    fixtures.execute("analyze")
    connections[0].execute("create extension wedding_dbopt cascade")
    connections[0].execute("create extension hypopg")
    connections[0].execute(_STRANGER)
    connections[0].execute("set search_path = strange, public")
    connections[0].execute((ROOT / "fixtures" / "roundtrip" / "strange.sql").read_text().encode())
    connections[0].execute("grant all on all tables in schema strange to stranger")
    connections[0].execute("select wedding_dbopt.grant_access('stranger', 'analyze')")
    stranger = stack.enter_context(cluster.connect("roundtrip0", "stranger"))
    places = [Place(connections, "public"), Place([fixtures], "rewriting"), Place([stranger], "strange")]
    for connection in (*connections, fixtures, stranger):
        connection.execute("set statement_timeout = '20s'")
    # Statements are planned under the search_path that their role has, not under the session's.
    connections[0].execute("drop role if exists of_fixtures; create role of_fixtures login superuser")
    connections[0].execute("alter role of_fixtures set search_path = rewriting, public")
    analysts = [
        stack.enter_context(cluster.connect("roundtrip0", user))
        for user in ("postgres", "of_fixtures", "stranger")
    ]
    analysts[0].execute(_ALARM)
    analysts[0].execute("grant all on sequence public.touched to stranger")
    for analyst in analysts:
        analyst.execute("set roundtrip.analyst = 'on'")
    return Laboratory(cluster, places, analysts)
