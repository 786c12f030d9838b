"""Fresh = re-run = restored, nothing to PUBLIC, nothing left behind, and a missing piece is named with its remedy."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cluster import Cluster, server_binary

Connection = psycopg.Connection[Any]
EXPECTED = Path(__file__).parent / "privileges.txt"

MEMBERS = """
select format('%s|%s|%s|%s|%s|%s|%s', p.oid::regprocedure, p.provolatile, p.proparallel, p.prosecdef, p.proconfig,
              md5(coalesce(p.prosrc, '') || coalesce(pg_get_function_sqlbody(p.oid), '')),
              obj_description(p.oid, 'pg_proc'))
from pg_proc p where p.pronamespace in ('wedding_dbopt'::regnamespace, '_wedding_dbopt'::regnamespace)
union all
select format('%s|%s|%s|%s|%s|%s', c.oid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
              a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = '_wedding_dbopt'::regnamespace and c.relkind in ('r', 'p')
union all
select pg_get_constraintdef(c.oid) || ' on ' || c.conrelid::regclass from pg_constraint c
where c.connamespace = '_wedding_dbopt'::regnamespace
union all
select indexdef from pg_indexes where schemaname = '_wedding_dbopt'
order by 1
"""
PRIVILEGES = """
select format('%s %s %s %s', case p.prokind when 'p' then 'procedure' else 'function' end,
              p.oid::regprocedure, case when p.prosecdef then 'definer' else 'invoker' end, r.level)
from pg_proc p
cross join (values ('public'), ('reader'), ('analyst'), ('operator')) as r (level)
where p.pronamespace in ('wedding_dbopt'::regnamespace, '_wedding_dbopt'::regnamespace)
  and has_function_privilege(case r.level when 'public' then 'nobody_at_all' else 'snapshot_' || r.level end, p.oid, 'execute')
order by 1
"""


def lines(connection: Connection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(query).fetchall()]


def code_of_the_script() -> str:
    """The replaceable part of the install script: everything behind the schema stage."""
    version = re.search(r"default_version = '(.*)'", Path("wedding_dbopt.control").read_text())
    assert version is not None
    script = Path(f"extension/wedding_dbopt--{version[1]}.sql").read_text()
    first_code = re.search(r"^-- sql/(?!schema/)", script, re.MULTILINE)
    assert first_code is not None
    return (
        "set search_path = pg_catalog, pg_temp; set check_function_bodies = off;\n"
        + script[first_code.start() :]
    )


def test_code_can_be_run_again_and_changes_nothing(connection: Connection) -> None:
    """An upgrade is the state changes of a step plus all code again; so all code again alone must change nothing."""
    before = lines(connection, MEMBERS)
    connection.execute(code_of_the_script().encode())
    connection.execute("reset search_path")
    assert lines(connection, MEMBERS) == before


def test_dump_and_restore_keep_history_and_go_on_counting(
    cluster: Cluster, connection: Connection, database: str
) -> None:
    connection.execute("call wedding_dbopt.maintain()")
    connection.execute("call wedding_dbopt.collect()")
    connection.execute("select wedding_dbopt.set_setting('verification_min_calls', '77')")
    connection.execute("select wedding_dbopt.set_objective('payment', 15, 99.5)")
    connection.execute("select wedding_dbopt.set_alert_rule('cpu', 70)")
    connection.execute("select wedding_dbopt.set_alert_rule('deadlocks', 1)")
    connection.execute("update _wedding_dbopt.system_sample set deadlocks = 3")
    connection.execute(
        "select _wedding_dbopt.evaluate_alerts(max(at) + interval '1 second') from _wedding_dbopt.system_sample"
    )
    connection.execute(
        "insert into _wedding_dbopt.context_rule (pattern, context, criticality) values ('honeymoons', 'booking', 'low')"
    )
    connection.execute("select wedding_dbopt.mute_finding('no_checksums', 'the disk has its own')")
    connection.execute("select wedding_dbopt.optimize_database()")
    connection.execute("select wedding_dbopt.create_baseline('before the dump')")
    restored = f"{database}_restored"
    with cluster.connect() as admin:
        admin.execute(f"create database {restored}")
    dump = subprocess.run(
        [server_binary("pg_dump"), database], env=cluster.environment(), check=True, capture_output=True
    )
    loaded = subprocess.run(
        [server_binary("psql"), "-v", "ON_ERROR_STOP=1", "-q", restored],
        env=cluster.environment(),
        input=dump.stdout,
        check=False,
        capture_output=True,
    )
    assert loaded.returncode == 0, loaded.stderr.decode()
    with cluster.connect(restored) as copy:
        assert lines(copy, MEMBERS) == lines(connection, MEMBERS)
        for table in (
            "setting",
            "objective",
            "alert_rule",
            "alert",
            "context_rule",
            "season",
            "finding_mute",
            "finding_seen",
            "index_use",
            "tuning_run",
            "baseline",
            "baseline_catalogue",
            "statement",
            "statement_text",
            "event",
        ):
            key = f"select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from _wedding_dbopt.{table} t"
            assert lines(copy, key) == lines(connection, key), table
        samples = "select count(*)::text from _wedding_dbopt.connection_sample"
        assert lines(copy, samples) == lines(connection, samples) != ["0"]
        copy.execute("select wedding_dbopt.optimize_database('aggressive')")
        copy.execute("select wedding_dbopt.create_baseline('after the restore')")
        copy.execute("call wedding_dbopt.collect()")
        assert lines(copy, "select count(*)::text from _wedding_dbopt.tuning_run") == ["2"]
    with cluster.connect() as admin:
        admin.execute(f"drop database {restored} with (force)")


def test_drop_extension_leaves_the_planner_role_only(connection: Connection) -> None:
    connection.execute("call wedding_dbopt.maintain()")
    connection.execute("drop extension wedding_dbopt")
    assert lines(connection, "select nspname from pg_namespace where nspname like '%wedding_dbopt%'") == []
    assert lines(connection, "select rolname from pg_roles where rolname like '%wedding_dbopt%'") == [
        "wedding_dbopt_planner"
    ]
    connection.execute("create extension wedding_dbopt")


@pytest.fixture
def bare() -> Any:
    """A server that preloads nothing."""
    with Cluster(preloaded=()) as running:
        yield running


def test_missing_pieces_are_named_and_do_not_fail(bare: Cluster) -> None:
    bare.install()
    with bare.connect() as connection:
        rows = {
            row[0]: row[1:]
            for row in connection.execute(
                "select need, status, cost_of_lack, remedy from wedding_dbopt.check_installation()"
            )
        }
        assert rows["Python package"][0] == "ok"
        for need in (
            "pg_stat_statements preloaded",
            "pg_cron preloaded",
            "extension hypopg",
            "extension pg_cron",
        ):
            status, cost, remedy = rows[need]
            assert (status, bool(cost), bool(remedy)) == ("missing", True, True), need
        connection.execute("call wedding_dbopt.collect()")
        connection.execute("call wedding_dbopt.tick()")
        reasons = lines(
            connection,
            "select source || ': ' || reason from _wedding_dbopt.collect_log where reason is not null",
        )
        assert any(reason.startswith("statements: ") for reason in reasons)
        assert lines(connection, "select count(*)::text from _wedding_dbopt.connection_sample") == ["1"]
        connection.execute("create table t as select g as id from generate_series(1, 50000) g; analyze t")
        analysis = connection.execute(
            "select wedding_dbopt.analyze_query('select * from t where id = 1')"
        ).fetchone()
        assert analysis is not None
        assert any("hypopg" in note for note in analysis[0]["wedding_optimization_notes"])
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("select wedding_dbopt.schedule_jobs()")
        assert refused.value.sqlstate == "WD007"
        assert refused.value.diag.message_hint


def test_privileges_are_the_policy(connection: Connection) -> None:
    """Every routine by every level, as a text that a change of policy has to change too."""
    connection.execute(
        """create role nobody_at_all; create role snapshot_reader; create role snapshot_analyst; create role snapshot_operator;
           select wedding_dbopt.grant_access('snapshot_reader', 'read');
           select wedding_dbopt.grant_access('snapshot_analyst', 'analyze');
           select wedding_dbopt.grant_access('snapshot_operator', 'operate')"""
    )
    try:
        found = lines(connection, PRIVILEGES)
        assert not [line for line in found if line.endswith(" public")]
        assert "\n".join(found) + "\n" == EXPECTED.read_text()
        policy = "select routine from _wedding_dbopt.access_policy() order by 1"
        public = "select p.oid::regproc::text from pg_proc p where p.pronamespace = 'wedding_dbopt'::regnamespace order by 1"
        assert lines(connection, policy) == lines(connection, public)
    finally:
        connection.execute(
            "drop owned by snapshot_reader, snapshot_analyst, snapshot_operator, nobody_at_all"
        )
        connection.execute("drop role nobody_at_all, snapshot_reader, snapshot_analyst, snapshot_operator")


def test_a_reader_sees_no_texts_and_no_secrets(
    cluster: Cluster, connection: Connection, database: str, role: str
) -> None:
    connection.execute("select wedding_dbopt.grant_access(%s, 'read')", [role])
    for secret in ("executor_dsn", "pgbouncer_dsn"):
        connection.execute("select wedding_dbopt.set_setting(%s, 'password=secret')", [secret])
    connection.execute("create table seen (id integer); select count(*) from seen")
    connection.execute("call wedding_dbopt.collect()")
    connection.execute("select count(*) from seen where id = 1")
    connection.execute("call wedding_dbopt.collect()")
    with cluster.connect(database, role) as reader:
        assert lines(reader, "select count(*)::text from _wedding_dbopt.statement_text") == ["0"]
        assert lines(reader, "select value from wedding_dbopt.get_settings() where name like '%_dsn'") == []
        assert reader.execute("select wedding_dbopt.get_metrics('1h')").fetchone()
        for forbidden in (
            "select wedding_dbopt.pause()",
            "select wedding_dbopt.optimize_database()",
            "select wedding_dbopt.analyze_query('select 1')",
            "call wedding_dbopt.collect()",
            "call wedding_dbopt.process_actions()",
            "update _wedding_dbopt.setting set value = 'off'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(forbidden)
