"""The loop driven by hand: a platform's table, its traffic, collection, ticks, actions, and what came of them."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import psycopg

from tests.cluster import Cluster

#: So small that a verdict needs no waiting: what counts is the number of calls.
SETTINGS = {
    "verification_min_calls": "20",
    "verification_min_window": "0 s",
    "apply_retry_delay": "0 s",
    "index_storage_budget": "10",
    "hidden_index_window": "0 s",
}
_INDEXES = """
select pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' INVALID' end
from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace::regnamespace::text not in ('pg_catalog', 'pg_toast', '_wedding_dbopt') order by 1
"""
_NAMES = """
select n.nspname, c.relname, format('%%I.%%I', n.nspname, c.relname), quote_ident(n.nspname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = %s::regclass
"""
_DEED = """
with old as (  -- one run for all: actions of two runs on a table wait for each other's verdict
  update _wedding_dbopt.tuning_run set state = 'verifying', finished_at = null where requested_by = 'test' returning id
), new as (
  insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, state)
  select 'call', 'test', now(), 'moderate', false, 'verifying' where not exists (select from old) returning id
), idea as (
  insert into _wedding_dbopt.recommendation
    (fingerprint, run_id, kind, object_kind, schema_name, table_name, object_name, details, sql, final_sql, rollback_sql,
     benefits, context, criticality, priority, reason, status, created_at, updated_at, expires_at)
  select %(fingerprint)s, run.id, %(kind)s, %(object_kind)s, %(schema)s, %(table)s, %(name)s, %(details)s,
    %(sql)s, %(final_sql)s, %(rollback_sql)s,
    (select coalesce(jsonb_agg(jsonb_build_object('statement_id', t.statement_id)), '[]')
     from _wedding_dbopt.statement_text t join _wedding_dbopt.statement s on s.id = t.statement_id
     where strpos(t.query, %(serves)s) > 0 and s.dbid = (select oid from pg_database where datname = current_database())),
    'booking', 'critical', 'high', 'test', 'taken', now(), now(), now() + interval '1 day'
  from (select id from old union all select id from new) run returning *
)
insert into _wedding_dbopt.action
  (run_id, recommendation_id, action_type, state, object_kind, schema_name, table_name, object_name, details, description,
   sql, final_sql, rollback_sql, locks, wedding_context, criticality, created_at)
select run_id, id, kind, %(state)s, object_kind, schema_name, table_name, object_name, details, reason,
  sql, final_sql, rollback_sql, 'none', context, criticality, now()
from idea returning id
"""
_IDEA = """
with run as (
  insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, state)
  values ('call', 'test', now(), 'moderate', false, 'running') returning id
)
insert into _wedding_dbopt.recommendation
  (fingerprint, run_id, kind, object_kind, schema_name, table_name, object_name, details, sql, rollback_sql, benefits, context,
   criticality, priority, confidence, reason, created_at, updated_at, expires_at)
select %(fingerprint)s, run.id, %(kind)s, %(object_kind)s, %(schema)s, %(table)s, %(name)s, %(details)s, %(sql)s,
  %(rollback_sql)s,
  (select coalesce(jsonb_agg(jsonb_build_object('statement_id', t.statement_id)), '[]')
   from _wedding_dbopt.statement_text t join _wedding_dbopt.statement s on s.id = t.statement_id
   where strpos(t.query, %(serves)s) > 0 and s.dbid = (select oid from pg_database where datname = current_database())),
  'booking', 'critical', 'high', 0.9, 'made by hand', now(), now(), now() + interval '1 day'
from run returning run_id
"""
_BUILDING = """
select pid from pg_stat_activity
where application_name = 'wedding_dbopt executor' and datname = current_database() and state = 'active'
  and query ilike '%index concurrently%'
"""
_numbers = itertools.count()


def until(answer: Callable[[], Any], seconds: float = 180) -> Any:
    """Ask until there is an answer; AssertionError at the limit."""
    limit = time.monotonic() + seconds
    while not (found := answer()):
        assert time.monotonic() < limit, f"no answer within {seconds} s"
        time.sleep(0.05)
    return found


class Background:
    """A statement in a session and a thread of its own."""

    def __init__(self, cluster: Cluster, database: str, sql: str) -> None:
        self.session = cluster.connect(database, prepare_threshold=None)
        self.pid = self.session.info.backend_pid
        self.error: psycopg.Error | None = None
        self._thread = threading.Thread(target=self._execute, args=(sql,))
        self._thread.start()

    def _execute(self, sql: str) -> None:
        try:
            self.session.execute(sql.encode())
        except psycopg.Error as error:
            self.error = error

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def join(self, seconds: float = 60) -> None:
        """Wait for the statement's end, good or bad; AssertionError when it does not come."""
        self._thread.join(seconds)
        assert not self.running, "the statement goes on"
        self.session.close()


class Tuner:
    """The loop in one database of a cluster."""

    def __init__(self, cluster: Cluster, database: str) -> None:
        self.cluster = cluster
        self.database = database
        self.session = cluster.connect(database, prepare_threshold=None)
        self.set(**SETTINGS)

    def __enter__(self) -> Tuner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()

    def connect_again(self) -> None:
        """A new session as soon as the server takes one, after a crash."""

        def connected() -> bool:
            try:
                self.session = self.cluster.connect(self.database, prepare_threshold=None)
            except psycopg.OperationalError:
                return False
            return True

        self.session.close()
        until(connected)

    # ------------------------------------------------------------------ SQL

    def run(self, sql: str, *values: Any) -> None:
        self.session.execute(sql.encode(), values or None)

    def value(self, sql: str, *values: Any) -> Any:
        row = self.session.execute(sql.encode(), values or None).fetchone()
        return row[0] if row else None

    def column(self, sql: str, *values: Any) -> list[Any]:
        return [row[0] for row in self.session.execute(sql.encode(), values or None).fetchall()]

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return list(self.session.execute(sql.encode(), values or None).fetchall())

    def row(self, sql: str, *values: Any) -> tuple[Any, ...]:
        (found,) = self.rows(sql, *values)
        return found

    def background(self, sql: str) -> Background:
        return Background(self.cluster, self.database, sql)

    def set(self, **settings: str) -> None:
        """Settings of the extension; `mode_x` stands for `mode.x`."""
        for name, value in settings.items():
            self.run("select wedding_dbopt.set_setting(%s, %s)", name.replace("mode_", "mode."), value)

    # ------------------------------------------------------------------ the platform

    def table(self, name: str = "public.booking", rows: int = 20000) -> None:
        """A table whose column vendor nothing but a sequential scan finds."""
        self.run(f"create table {name} (id serial primary key, vendor integer, amount integer, note text)")
        self.run(
            f"""insert into {name} (vendor, amount, note)
                select g % 2000, g, repeat('x', 80) from generate_series(1, {rows}) g"""
        )
        # Otherwise the rows are counted as changed after it, and the table is found stale.
        self.run("select pg_stat_force_next_flush()")
        self.run(f"vacuum analyze {name}")

    def work(self, sql: str, times: int = 30, user: str = "postgres") -> None:
        """The application's statement, several times; {number} in it counts them."""
        with self.cluster.connect(self.database, user, prepare_threshold=None) as session:
            for number in range(times):
                session.execute(sql.replace("{number}", str(number + 1)).encode())

    def observed(self, sql: str, times: int = 150, user: str = "postgres", passes: int = 5) -> None:
        """The statement's calls in collected intervals of their own: from one nobody could tell how much they vary."""
        self.collect()
        for _ in range(passes):
            self.work(sql, times // passes, user)
            self.collect()

    # ------------------------------------------------------------------ the loop

    def collect(self, at: str | None = None) -> None:
        self.run("call wedding_dbopt.collect(%s)", at)

    def tick(self, at: str | None = None) -> None:
        self.run("call wedding_dbopt.tick(%s)", at)

    def process(self) -> None:
        self.run("call wedding_dbopt.process_actions()")

    def tune(self, options: str = "") -> int:
        """CALL run_tuning; the run's id."""
        self.run(f"call wedding_dbopt.run_tuning({options})")
        return int(self.value("select max(id) from _wedding_dbopt.tuning_run"))

    def action(self, table: str, keys: str, state: str = "approved", serves: str = "no statement") -> int:
        """An index as a run would enqueue it; it should help the statements whose text contains `serves`."""
        schema, relation, qualified, quoted = self.row(_NAMES, table)
        name = f"made_{next(_numbers)}"
        return self.deed(
            "index_creation",
            schema=schema,
            table=relation,
            name=name,
            sql=[f"CREATE INDEX CONCURRENTLY {name} ON {qualified} ({keys})"],
            rollback_sql=[f"DROP INDEX CONCURRENTLY {quoted}.{name}"],
            state=state,
            serves=serves,
        )

    def deed(
        self,
        kind: str,
        *,
        object_kind: str = "index",
        schema: str | None = None,
        table: str | None = None,
        name: str | None = None,
        sql: Sequence[str] = (),
        final_sql: Sequence[str] = (),
        rollback_sql: Sequence[str] = (),
        details: Mapping[str, Any] | None = None,
        state: str = "approved",
        serves: str = "no statement",
    ) -> int:
        """An action of any type as a run would enqueue it."""
        given = {"object_kind": object_kind, "schema": schema, "table": table, "name": name, "serves": serves}
        script = {"sql": list(sql), "rollback_sql": list(rollback_sql), "final_sql": list(final_sql)}
        return self._stored(_DEED, kind, details, {**given, **script, "state": state})

    def _stored(
        self, statement: str, kind: str, details: Mapping[str, Any] | None, values: Mapping[str, Any]
    ) -> int:
        """What a statement with these values gives: statements of users are known by then."""
        self.run("select _wedding_dbopt.classify_statements()")
        said = {"fingerprint": f"test {next(_numbers)}", "kind": kind, "details": json.dumps(details or {})}
        row = self.session.execute(statement.encode(), {**values, **said}).fetchone()
        assert row is not None
        return int(row[0])

    def approved(
        self,
        kind: str,
        *,
        serves: str,
        object_kind: str = "index",
        schema: str | None = None,
        table: str | None = None,
        name: str | None = None,
        sql: Sequence[str] = (),
        rollback_sql: Sequence[str] = (),
        details: Mapping[str, Any] | None = None,
    ) -> int:
        """The action of a recommendation made by hand: enqueued as a run does it, proposed, and approved by a person."""
        given = {"object_kind": object_kind, "schema": schema, "table": table, "name": name, "serves": serves}
        script = {"sql": list(sql), "rollback_sql": list(rollback_sql)}
        run = self._stored(_IDEA, kind, details, {**given, **script})
        self.set(**{f"mode_{kind}": "approve"})
        assert self.value("select _wedding_dbopt.enqueue_actions(%s)", run) == 1
        self.run("update _wedding_dbopt.tuning_run set state = 'verifying' where id = %s", run)
        action = int(self.value("select id from _wedding_dbopt.action where run_id = %s", run))
        assert self.state(action) == "proposed"
        assert self.value("select wedding_dbopt.approve(%s) ->> 'state'", action) == "approved"
        return action

    def building(self) -> int | None:
        """Process id of the backend that builds or drops an index for the tuner."""
        found = self.column(_BUILDING)
        return int(found[0]) if found else None

    # ------------------------------------------------------------------ what came of it

    def indexes(self) -> list[str]:
        """Definitions of the indexes that are not the extension's own, as the catalogue has them."""
        return [str(definition) for definition in self.column(_INDEXES)]

    def actions(self) -> list[tuple[int, str]]:
        return list(
            self.session.execute("select id, state from _wedding_dbopt.action order by id").fetchall()
        )

    def only_action(self) -> int:
        ((action, _),) = self.actions()
        return action

    def state(self, action: int) -> str:
        return str(self.value("select state from _wedding_dbopt.action where id = %s", action))

    def name(self, action: int) -> str:
        return str(self.value("select object_name from _wedding_dbopt.action where id = %s", action))

    def reason(self, action: int) -> str:
        """Why the action is in its state."""
        return str(
            self.value(
                "select reason from _wedding_dbopt.event where subject = 'action' and subject_id = %s order by id desc limit 1",
                str(action),
            )
        )
