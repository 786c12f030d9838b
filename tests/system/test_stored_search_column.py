"""A stored column for searches that rank: advised where it is measured to be better, and the same rows are found."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.system.tuner import Tuner

Connection = psycopg.Connection[Any]

#: Pages of 300 words; every seventh title is NULL, which makes the whole document NULL, and every eleventh body an empty text.
PLATFORM = """
create table page (id int primary key, title text, body text);
insert into page select g, case when g % 7 > 0 then 'about w' || g % 211 end, case when g % 11 > 0 then (
  select string_agg('w' || (g * k) % 997 || ' planned celebrations', ' ') from generate_series(1, 25) k) else '' end
from generate_series(1, 2000) g;
create index words on page using gin (to_tsvector('english', title || ' ' || body));
vacuum analyze page
"""
DOCUMENT = "to_tsvector('english', title || ' ' || p.body)"
SEARCH = f"select p.id from page p where {DOCUMENT} @@ to_tsquery('english', 'w42')"
RANKED = f"{SEARCH} order by ts_rank({DOCUMENT}, to_tsquery('english', 'w42')) desc, id"
ADVICE = """
select implementation_sql, rollback_sql, reason, estimated_improvement, proof from wedding_dbopt.recommend_indexes(array[%s])
where kind = 'stored_search_column'
"""


def prepared(connection: Connection) -> None:
    for statement in PLATFORM.split(";\n"):
        connection.execute(statement.encode())


def ids(connection: Connection, query: str) -> list[Any]:
    return connection.execute(query.encode()).fetchall()


def test_a_column_is_offered_where_ranking_computes_the_document_again_and_finds_the_same_rows(
    connection: Connection,
) -> None:
    prepared(connection)
    connection.execute("select wedding_dbopt.set_setting('heavy_work_bytes', '1000000')")
    assert ids(connection, ADVICE.replace("%s", psycopg.sql.quote(SEARCH))) == []
    [(make, undo, reason, gain, proof)] = connection.execute(ADVICE, [RANKED]).fetchall()
    assert proof == "sample" and gain > 50
    short = "import wedding_dbopt.tuning.stored_vectors as module; module.SECONDS = {}"
    connection.execute(f"do language plpython3u $$ {short.format(0.001)} $$".encode())
    # What is not shown in its time is left out, and nothing else is lost.
    assert connection.execute(ADVICE, [RANKED]).fetchall() == []
    connection.execute(f"do language plpython3u $$ {short.format(8.0)} $$".encode())
    before = ids(connection, RANKED)
    assert len(before) > 30
    for statement in make.split(";\n"):
        connection.execute(statement.encode())
    changed = reason.partition(" Statement: ")[2]
    assert changed.count('"p"."search_body_title"') == 2 and "to_tsvector" not in changed
    assert ids(connection, changed) == before
    # What comes later is held too, and a row with a NULL part is found by neither.
    connection.execute(
        "insert into page values (-1, 'new', 'w42'), (-2, null, 'w42'), (-3, 'old', 'nothing')"
    )
    connection.execute("update page set body = 'w42 again' where id = -3")
    after = ids(connection, changed)
    assert after == ids(connection, RANKED) and {-1, -3} <= {row[0] for row in after}
    assert (-2,) not in after
    connection.execute("set enable_seqscan = off")
    assert "search_body_title" in str(ids(connection, f"explain {changed}"))
    for statement in undo.split(";\n"):
        connection.execute(statement.encode())
    assert ids(connection, "select count(*) from pg_attribute where attrelid = 'page'::regclass and attnum > 3 "
               "and not attisdropped") == [(0,)]  # fmt: skip


def test_on_a_small_table_the_column_is_a_generated_one(connection: Connection) -> None:
    prepared(connection)
    connection.execute("select wedding_dbopt.set_setting('heavy_work_bytes', '1000000000')")
    [(make, *_)] = connection.execute(ADVICE, [RANKED]).fetchall()
    assert "GENERATED ALWAYS AS" in make and "TRIGGER" not in make
    before = ids(connection, RANKED)
    for statement in make.split(";\n"):
        connection.execute(statement.encode())
    assert ids(connection, RANKED) == before


def test_a_run_only_ever_recommends_it_and_stores_no_statement(tuner: Tuner) -> None:
    prepared(tuner.session)
    tuner.set(mode_index_creation="auto")
    with tuner.cluster.connect(tuner.database, prepare_threshold=None) as session:
        session.execute(RANKED.encode())
        tuner.observed(RANKED, times=10)
        tuner.run("select _wedding_dbopt.classify_statements()")
    tuner.tune()
    [(safety, reason, status)] = tuner.rows(
        "select safety, reason, status from _wedding_dbopt.recommendation where kind = 'stored_search_column'"
    )
    assert (safety, status) == ("manual", "open") and "Statement:" not in reason
    assert tuner.value("select count(*) from _wedding_dbopt.action where object_kind = 'column'") == 0
