"""Every rule against its fixture, the parts a rule may not touch, and the offers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from wedding_dbopt.catalog import Catalog, Column, ForeignKey, Index, Relation
from wedding_dbopt.query import Query
from wedding_dbopt.rewrite import rules
from wedding_dbopt.rewrite.engine import LEVELS, catalogue, name_of, rewrite
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.semantic import semantic_options
from wedding_dbopt.tuning.sql_functions import body_of

FIXTURES = Path(__file__).parents[1] / "fixtures" / "rewrite"


def fixture_pairs(name: str) -> Iterator[tuple[str, str]]:
    """Yield (before, after) of a fixture; an UNCHANGED statement comes as (before, before)."""
    lines = (FIXTURES / f"{name}.sql").read_text().splitlines()
    statements = "\n".join(line for line in lines if not line.startswith("--"))
    texts = [text.strip() for text in (statements + "\n").split(";\n") if text.strip()]
    assert len(texts) % 2 == 0
    for before, after in zip(texts[::2], texts[1::2]):
        yield before, before if after == "UNCHANGED" else after


def relation(row: dict[str, Any]) -> Relation:
    """Return what the catalogue said of one table of schema.sql."""
    parts = {
        "columns": {name: Column(**column) for name, column in row["columns"].items()},
        "indexes": tuple(Index(**{key: _frozen(value) for key, value in i.items()}) for i in row["indexes"]),
        "foreign_keys": tuple(
            ForeignKey(**{key: _frozen(value) for key, value in k.items()}) for k in row["foreign_keys"]
        ),
        "unique_keys": _frozen(row["unique_keys"]),
    }
    return Relation(**{**row, **parts})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@pytest.fixture(scope="module")
def facts() -> Facts:
    rows = json.loads((FIXTURES / "catalog.json").read_text())
    return Facts(Catalog([relation(row) for row in rows], ["rewriting"]))


NAMES = [name_of(rule) for rule in rules.RULES]


@pytest.mark.parametrize("name", NAMES)
def test_fixture(name: str, facts: Facts) -> None:
    rule = rules.RULES[NAMES.index(name)]
    for before, after in fixture_pairs(name):
        rewriting = rewrite(Query.parse(before), facts, "aggressive", [rule])
        assert rewriting.text == after
        assert bool(rewriting.steps) == (before != after)
        assert {step.rule for step in rewriting.steps} <= {name}
        for step in rewriting.steps:
            assert all(part in before for part in step.before.split(" ... "))


def test_files_registry_and_fixtures_agree() -> None:
    files = sorted(path.stem for path in Path(rules.__file__).parent.glob("*.py") if path.stem != "__init__")
    fixtures = sorted(path.stem for path in FIXTURES.glob("*.sql") if path.stem != "schema")
    assert files == fixtures == sorted(NAMES)


@pytest.mark.parametrize("rule", rules.RULES, ids=name_of)
def test_rule_is_documented_and_has_a_case_that_stays(rule: rules.Rule) -> None:
    pairs = list(fixture_pairs(name_of(rule)))
    assert any(before == after for before, after in pairs) and any(before != after for before, after in pairs)
    assert rule.LEVEL in LEVELS and rule.PROOF in ("always", "constraint")


def test_catalogue_tells_why_and_when() -> None:
    listed = catalogue()
    assert [entry["name"] for entry in listed] == NAMES
    for entry in listed:
        assert list(entry) == ["name", "level", "proof", "why", "sound_when"]
        assert entry["why"].endswith(".") and entry["sound_when"].endswith(".")
        assert "Sound when" not in entry["why"]


def test_proof_class_constraint_names_its_constraints(facts: Facts) -> None:
    for rule in rules.RULES:
        for before, _ in fixture_pairs(name_of(rule)):
            for step in rewrite(Query.parse(before), facts, "aggressive", [rule]).steps:
                assert step.proof == rule.PROOF
                if step.proof == "constraint":
                    assert step.constraints
    found = rewrite(Query.parse("select distinct id from vendors"), facts, "moderate")
    assert found.steps[0].constraints == (
        "rewriting.vendors UNIQUE vendors_pkey",
        "rewriting.vendors.id NOT NULL",
    )


def test_levels_are_nested(facts: Facts) -> None:
    text = (
        "select distinct id from vendors v where id not in (select vendor_id from bookings) "
        "and (select count(*) from bookings b where b.vendor_id = v.id) > 0 and coalesce(score, 0) > 1"
    )
    used = [{step.rule for step in rewrite(Query.parse(text), facts, level).steps} for level in LEVELS]
    assert used[0] < used[1] < used[2]
    assert len(used[2]) == 4


def test_everything_else_keeps_its_characters(facts: Facts) -> None:
    before = (
        "SELECT /* app */ now()  AS \"Now\",\n  b.*, E'a\\'b' -- note\n  FROM bookings b\n"
        " WHERE  date( b.created )='2026-05-02'  AND b.confirmed > now() - interval '1 day'\n"
        "   AND (b.status!=$1 OR b.id = any($2)) ORDER BY 1 ;"
    )
    rewriting = rewrite(Query.parse(before), facts, "aggressive")
    assert rewriting.text == before.replace(
        "date( b.created )='2026-05-02'", "(b.created >= '2026-05-02' AND b.created < '2026-05-03')"
    ).rstrip(" ;")
    assert [step.before for step in rewriting.steps] == ["date( b.created )='2026-05-02'"]


def test_repaired_texts_are_rewritten_too(facts: Facts) -> None:
    text = "select id from bookings where id::text = '7' and created > now() - interval $1"
    rewriting = rewrite(Query.parse(text), facts, "aggressive")
    assert rewriting.text == "select id from bookings where id = 7 and created > now() - $1::interval"


@pytest.mark.parametrize(
    "text",
    [
        "with bookings as (select now() as created) select * from bookings where date(created) = '2026-05-02'",
        "select id from other.bookings where date(created) = '2026-05-02'",
        "select created from bookings b(a, c) where date(created) = '2026-05-02'",
        "select 1 from bookings natural join guests where id::text = '7'",
        "select 1 from bookings join guests using (id) where id::text = '7'",
        "select 1 from bookings b, guests g where id::text = '7'",
        "select 1 from vendors v, lateral (select v.id) x(id) where x.id::text = '7'",
        "select 1 from vendors v where exists (select 1 from (bookings b join guests v on true) where v.id::text = '7')",
        "select 1 from generate_series(1, 2) id where id::text = '7'",
        "select 1 from vendors b cross join (select b.id from (select 1 as id) b where b.id::text = '1') x",
        "insert into vendors select 1 on conflict (id) where id::text = '7' do nothing",
        "select public.date(created) = '2026-05-02' from bookings",
        "select id from bookings where app.date(created) = '2026-05-02'",
        "select id from bookings where nvl(priority, 0) > 3",
        "select id from bookings where ifnull(status, 'open') = 'paid'",
        "select id from bookings where coalesce(status, E'op\\'en') = 'paid'",
        "select id from bookings where coalesce(status, $$open$$) = 'paid'",
        "select distinct id, nvl(priority, 0) from bookings",
        "select count(*) from bookings having coalesce(count(*), 0) > 3",
        "select case when coalesce(paid, false) = true then 1 end from bookings",
        "merge into bookings b using guests g on g.booking_id = b.id and b.id::text = '7' when matched then delete",
    ],
)
def test_what_is_not_known_for_sure_stays(text: str, facts: Facts) -> None:
    assert rewrite(Query.parse(text), facts, "aggressive").text == text


def test_steps_end(facts: Facts) -> None:
    tests = " and ".join(f"coalesce(priority, 0) > {n}" for n in range(80))
    started = time.monotonic()
    assert (
        len(rewrite(Query.parse(f"select id from bookings where {tests}"), facts, "aggressive").steps) == 50
    )
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("connector", ["or", "and"])
def test_what_thousands_of_conditions_take_grows_with_their_number(connector: str, facts: Facts) -> None:
    def spent(terms: int) -> float:
        chain = f" {connector} ".join(f"priority = {n}" for n in range(terms))
        query = Query.parse(f"select id from bookings where {chain}")
        began = time.process_time()
        rewrite(query, facts, "moderate")
        return time.process_time() - began

    assert spent(4000) < 10 * spent(1000)  # sixteen times would be the square


@pytest.fixture(scope="module")
def large_facts() -> Facts:
    """The same tables, with many rows in each."""
    rows = json.loads((FIXTURES / "catalog.json").read_text())
    return Facts(Catalog([replace(relation(row), rows=5000.0) for row in rows], ["rewriting"]))


def offers(text: str, facts: Facts) -> dict[str, str]:
    return {option.kind: option.text for option in semantic_options(Query.parse(text), facts)}


def test_offers_change_the_result_and_say_so(large_facts: Facts) -> None:
    options = semantic_options(
        Query.parse("select * from vendors v where city = 'Rom' or score > 1"), large_facts
    )
    assert {option.kind: option.text for option in options} == {
        "limit": "select * from vendors v where city = 'Rom' or score > 1 ORDER BY v.\"id\" LIMIT 100",
        "columns": 'select "id", "name", "code", "city", "email", "score", "active", "verified" from vendors v '
        "where city = 'Rom' or score > 1",
        "active_vendors": "select * from vendors v where (city = 'Rom' or score > 1) AND v.active AND v.verified",
    }
    assert all(len(option.changes) > 40 and option.changes.endswith(".") for option in options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select id from vendors where id = 7", {"active_vendors"}),
        ("select id from vendors where active", {"limit"}),
        ("select id from bookings order by created limit 10", set()),
        ("select count(*) from bookings", set()),
        ("select json_agg(b) from bookings b", set()),
        ("select status from bookings group by status", set()),
        ("select b.id from bookings b join guests g on g.booking_id = b.id", set()),
        ("update bookings set paid = true", set()),
        ("select * from parents", {"columns"}),
        ("select 1", set()),
    ],
)
def test_offers_are_made_where_they_make_sense(text: str, expected: set[str], large_facts: Facts) -> None:
    assert set(offers(text, large_facts)) == expected


def test_offers_are_statements(large_facts: Facts) -> None:
    found = offers('select * from vendors "V" order by name', large_facts)
    assert found["limit"] == 'select * from vendors "V" order by name, "V"."id" LIMIT 100'
    assert (
        found["active_vendors"] == 'select * from vendors "V" WHERE "V".active AND "V".verified order by name'
    )
    for text in found.values():
        assert Query.parse(text).kind == "select"


@pytest.mark.parametrize("tag", ["$function$", "$functionx$"])
def test_no_body_ends_its_own_quotation(tag: str) -> None:
    source = "select '$function', 1" if tag == "$functionx$" else "select 1"
    row = {
        "text": source,
        "arguments": None,
        "modes": None,
        "types": None,
        "definition": f"CREATE OR REPLACE FUNCTION f()\n LANGUAGE sql\nAS {tag}{source}{tag}\n",
    }
    body = body_of(row)
    assert body is not None
    assert body.definition_with(f"select '{tag}; drop table booking; --'") is None
    assert body.definition_with("select 2") == row["definition"].replace(source, "\nselect 2\n")
