"""The proof of a GIN or GiST index on a sample, with a database that records what it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from test_indexes_fixture import BOOKINGS, VENDORS
from wedding_dbopt.database import DatabaseError, Row
from wedding_dbopt.indexes.conditions import Search
from wedding_dbopt.indexes.sample import Proof, Unproven, prove_search, read_text, refusal_of, sample_sql

DOCUMENT = "(TO_TSVECTOR('english', \"name\" || ' ' || COALESCE(\"description\", '')))"
CONDITION = f"{DOCUMENT} @@ TO_TSQUERY('english', $1)"

SEARCH = Search(DOCUMENT, CONDITION, ("description", "name"))
TRIGRAM = Search('"name"', "\"name\" LIKE '%' || $1", ("name",), "text", "gin_trgm_ops")


class FakeDatabase:
    """Answers as a server whose sample has 5000 rows of 800 kB, 50 of them found."""

    def __init__(self, harmless: Sequence[str] = ("to_tsvector", "to_tsquery")) -> None:
        self.harmless = harmless
        self.foreign: list[Row] = []
        self.fails = False
        self.opclasses = [{"name": "public.gin_trgm_ops"}]
        self.depth = 0
        self.asked: list[str] = []

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[Row]:
        self.asked.append(sql)
        if "pg_proc" in sql:
            return [{"proname": name} for name in values[0] if name in self.harmless]
        if "pg_attribute" in sql:
            return self.foreign
        if "pg_opclass" in sql:
            return self.opclasses
        assert self.depth == 1, "outside the subtransaction"
        if self.fails:
            raise DatabaseError("no room")
        if sql.startswith("EXPLAIN"):
            indexed = any("USING gin" in earlier for earlier in self.asked)
            scan = {
                "Node Type": "Bitmap Index Scan",
                "Index Name": "wd_index_sample_index",
                "Total Cost": 12.0,
            }
            root = {"Node Type": "Bitmap Heap Scan" if indexed else "Seq Scan", "Total Cost": 1400.0}
            return [{"QUERY PLAN": [{"Plan": {**root, "Plans": [scan] if indexed else []}}]}]
        if "ts_stat" in sql:
            return [{"value": "'dance'"}]
        if "regexp_replace" in sql:
            return [{"value": "%dance%"}]
        if "_index'" in sql:
            return [{"n": 57_344.0 if "part_index" in sql else 180_224.0}]
        if "AS bytes" in sql:
            prices = {"seq_page": 1.0, "random_page": 4.0, "tuple": 0.01}
            return [{"n": 5000.0, "bytes": 819_200.0, **prices}]
        return [{"n": 50.0}] if "count(*)" in sql else []

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    subtransaction = rolled_back

    def commit(self) -> None:
        raise AssertionError


def test_a_proof_is_extrapolated_to_the_table() -> None:
    database = FakeDatabase()
    proof = prove_search(database, database, VENDORS, SEARCH)
    assert isinstance(proof, Proof)
    assert proof.cost_before == pytest.approx(3000 + 20_000 * (1400 - 100) / 5000)
    assert proof.cost_after < proof.cost_before / 5
    assert proof.estimated_bytes == 16_384 + 4 * (180_224 - 16_384)
    assert proof.sample_rows == 5000
    assert database.depth == 0


def test_the_parameter_becomes_a_word_of_the_sample() -> None:
    database = FakeDatabase()
    prove_search(database, database, VENDORS, SEARCH)
    searched = next(sql for sql in database.asked if sql.startswith("EXPLAIN"))
    assert searched.endswith("@@ '''dance'''::tsquery")
    assert "search_path" in next(sql for sql in database.asked if "set_config" in sql)


def test_a_pattern_of_parameters_becomes_one_of_the_sample_under_the_operator_class_of_pg_trgm() -> None:
    database = FakeDatabase()
    proof = prove_search(database, database, VENDORS, TRIGRAM)
    assert isinstance(proof, Proof)
    assert proof.opclass == "public.gin_trgm_ops"
    assert any(sql.endswith('USING gin (("name") public.gin_trgm_ops)') for sql in database.asked)
    assert any(sql.endswith("WHERE \"name\" LIKE '%dance%'") for sql in database.asked)


def test_the_operator_of_similarity_lies_beside_its_operator_class() -> None:
    database = FakeDatabase()
    similar = Search('"name"', "\"name\" % 'dance % away'", ("name",), "similar", "gin_trgm_ops")
    proof = prove_search(database, database, VENDORS, similar)
    assert isinstance(proof, Proof)
    asked = [sql for sql in database.asked if sql.startswith("EXPLAIN")]
    assert asked and all(sql.endswith("\"name\" OPERATOR(public.%) 'dance % away'") for sql in asked)


def test_without_pg_trgm_the_reason_names_it() -> None:
    database = FakeDatabase()
    database.opclasses = []
    proof = prove_search(database, database, VENDORS, TRIGRAM)
    assert isinstance(proof, Unproven)
    assert "pg_trgm" in proof.reason
    assert not any("CREATE" in sql for sql in database.asked)


def test_an_index_that_grows_slower_than_its_table_is_taken_for_what_its_parts_tell() -> None:
    database = FakeDatabase()
    proof = prove_search(database, database, replace(VENDORS, rows=5000.0), SEARCH)
    assert isinstance(proof, Proof)
    assert proof.estimated_bytes == 180_224


@pytest.mark.parametrize(
    ("expression", "condition", "reason"),
    [
        ("my_vector(name)", "my_vector(name) @@ to_tsquery('x')", "my_vector"),
        ("public.f(name)", "public.f(name) @@ to_tsquery('x')", "Dot"),
        ("name", "name @@ (select 'x'::tsquery)", "harmless"),
        ("name", "name::my_type @@ to_tsquery('x')", "cast"),
        ("missing", "missing @@ to_tsquery('x')", "unknown"),
        ("name", "name @@", "cannot be read"),
    ],
)
def test_code_of_others_is_never_run(expression: str, condition: str, reason: str) -> None:
    database = FakeDatabase()
    proof = prove_search(database, database, VENDORS, Search(expression, condition, ()))
    assert isinstance(proof, Unproven)
    assert reason in proof.reason
    assert not any("CREATE" in sql for sql in database.asked)


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("extract(year from name)", "extract"),
        ("date_trunc('day', name)", "date_trunc"),
        ("name::date", None),
        ("date(name)", "date"),
        ("length(name)", "length"),
        ("trim(name)", "btrim"),
        ("rating * 2 + 1", None),
    ],
)
def test_built_in_expressions_are_read_by_their_name_in_the_catalogue(
    expression: str, name: str | None
) -> None:
    parts = [read_text(expression)]
    wanted = [name] if name is not None else []
    assert refusal_of(FakeDatabase(wanted), VENDORS, parts, ["name"]) is None
    assert name is None or refusal_of(FakeDatabase([]), VENDORS, parts, ["name"]) is not None


def test_user_types_views_and_failures_stay_unproven() -> None:
    database = FakeDatabase()
    database.foreign = [{"attname": "name"}]
    for relation, fails in ((VENDORS, False), (replace(VENDORS, kind="v"), False)):
        database.fails = fails
        assert isinstance(prove_search(database, database, relation, SEARCH), Unproven)
    failing = FakeDatabase()
    failing.fails = True
    proof = prove_search(failing, failing, VENDORS, SEARCH)
    assert proof == Unproven("the sample failed: no room")
    assert failing.depth == 0


def test_the_sample_is_small_and_repeatable() -> None:
    assert sample_sql(BOOKINGS, ['a"b']) == (
        'CREATE TEMPORARY TABLE wd_index_sample AS SELECT "a""b" FROM "public"."bookings" '
        "TABLESAMPLE SYSTEM (2.500000) REPEATABLE (1) LIMIT 5000"
    )
    assert "TABLESAMPLE" not in sample_sql(replace(BOOKINGS, rows=4000.0), ["id"])
