"""The business context of labelled statements, and how names are read."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from wedding_dbopt.classify import Behind, Classification, Rules, classify, words
from wedding_dbopt.errors import TooDeep, UnsupportedStatement
from wedding_dbopt.query import Table
from wedding_dbopt.touched import Touched, stand_ins, tags, touched_by_body, touched_by_text

REQUIRED_SHARE = 0.95
ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "classify"
_ROW = re.compile(r"\('(\w+)',\s+'(\w+)',\s+'(\w+)',\s+'(\w+)',\s+(\d+), 'default'\)")
DEFAULTS = [
    dict(zip(("part", "pattern", "context", "criticality"), row[:4]), weight=int(row[4]))
    for row in _ROW.findall((ROOT / "sql" / "schema" / "context_rule.sql").read_text())
]
RULES = Rules(DEFAULTS)


class Labelled(NamedTuple):
    context: str
    criticality: str
    origin: str
    text: str


def labelled(name: str) -> Iterator[Labelled]:
    """The statements of a fixture: blocks of `-- context criticality origin` and a statement."""
    for block in (FIXTURES / name).read_text().strip().split("\n\n"):
        label, text = block.split("\n", 1)
        context, criticality, origin = label.removeprefix("-- ").split(maxsplit=2)
        yield Labelled(context, criticality, origin, text)


class Catalogue:
    """Views and functions of the fixture; every other name is a table or a function of the server."""

    def __init__(self) -> None:
        known = json.loads((FIXTURES / "catalog.json").read_text())
        self._views = {name: touched_by_text(text) for name, text in known["views"].items()}
        self._functions = {name: touched_by_body(body) for name, body in known["functions"].items()}

    def relation(self, table: Table) -> Behind | None:
        return Behind("public", self._views.get(table.name, Touched()))

    def function(self, schema: str | None, name: str) -> Behind | None:
        return Behind(schema, self._functions.get(name, Touched()), certain=name in self._functions)


CATALOGUE = Catalogue()


def classified(text: str, rules: Rules = RULES) -> Classification:
    return classify(touched_by_text(text), rules, CATALOGUE, rules.of_tags(tags(text)))


def of_text(text: str) -> Classification:
    """As the dictionary does: a command that stands for no statement touches nothing."""
    try:
        return classified(text)
    except UnsupportedStatement:
        return Classification("other", (), "low", 1.0, ())


@pytest.mark.parametrize(("fixture", "least"), [("labelled.sql", 100), ("held_out.sql", 30)])
def test_labelled_statements(fixture: str, least: int, capsys: pytest.CaptureFixture[str]) -> None:
    statements = list(labelled(fixture))
    assert len(statements) >= least
    found = [(each, of_text(each.text)) for each in statements]
    for part in ("context", "criticality"):
        wrong = [
            f"{part} {getattr(answer, part)}, not {getattr(each, part)} ({each.origin}): {each.text[:150]}"
            for each, answer in found
            if getattr(answer, part) != getattr(each, part)
        ]
        right = 1 - len(wrong) / len(statements)
        with capsys.disabled():
            print(
                f"\n{fixture}: {part} right in {right:.1%} of {len(statements)} statements",
                *wrong,
                sep="\n  ",
            )
        assert right >= REQUIRED_SHARE, wrong
    assert {answer.criticality for _, answer in found} == {"critical", "high", "medium", "low"}
    assert len({answer.context for _, answer in found}) == 6


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("timeline_events", ["timeline", "event"]),
        ("vendorAvailabilities", ["vendor", "availability"]),
        ("HTTPBookings2026_10", ["http", "booking"]),
        ("rsvps", ["rsvp"]),
        ("guest_list", ["guest", "list"]),
        ("addresses", ["address"]),
        ("status", ["status"]),
        ("prevents", ["prevent"]),
        ("gästelisten", ["gästelisten"]),
    ],
)
def test_names_are_split_into_singular_words(name: str, expected: list[str]) -> None:
    assert words(name) == expected


def rule(
    pattern: str, context: str | None, criticality: str | None = None, part: str = "name", weight: int = 10
) -> dict[str, object]:
    return {
        "part": part,
        "pattern": pattern,
        "context": context,
        "criticality": criticality,
        "weight": weight,
    }


def verdict(text: str, *more: dict[str, object], queryid: int | None = None) -> tuple[str, str]:
    """Context and criticality by the default rules and some more."""
    rules = Rules([*DEFAULTS, *more])
    found = classify(touched_by_text(text), rules, CATALOGUE, rules.of_tags(tags(text)), queryid)
    return found.context, found.criticality


def test_several_contexts_share_the_confidence() -> None:
    found = classified("select * from public.payments p join bookings b on b.id = p.booking_id")
    assert found == Classification(
        "payment", ("payment", "booking"), "critical", 0.833, ("public.payments", "bookings")
    )


def test_confidence_tells_certain_from_likely_from_unknown() -> None:
    assert classified("select 1").confidence == 1.0
    assert classified("select * from bookings").confidence == 1.0
    assert classified("select * from couples").confidence == 0.5
    joined = classified("select * from couples join bookings using (id)")
    assert joined.context == "booking" and joined.confidence == 0.5
    looked_up = classified("select * from couples where id in (select couple_id from bookings)")
    assert looked_up.context == "booking" and looked_up.confidence < joined.confidence


def test_the_written_table_decides_over_heavier_ones() -> None:
    text = "insert into guests select * from payments"
    assert verdict(text) == ("guest_management", "medium")
    assert classified(text).contexts == ("guest_management", "payment")
    assert verdict("insert into audit_log select * from payments") == ("other", "low")


def test_a_longer_pattern_decides_before_a_shorter_one() -> None:
    drafts = "select * from booking_drafts"
    assert verdict(drafts) == ("booking", "critical")
    assert verdict(drafts, rule("booking_draft", None, "low")) == ("booking", "low")
    assert verdict(drafts, rule("booking_drafts", "other", "medium")) == ("other", "medium")
    several = (
        rule("booking_*", "timeline", part="table"),
        rule("public.booking_drafts", "payment", part="table"),
    )
    assert verdict(drafts, several[0])[0] == "timeline"
    assert verdict(drafts, *several)[0] == "payment"
    assert verdict("select * from crm.booking_drafts", *several)[0] == "timeline"


@pytest.mark.parametrize(
    ("text", "more", "context"),
    [
        ("select * from buchungen", rule("buchung*", "booking"), "booking"),
        ("select * from tbl_zhl_2026", rule("tbl_zhl*", "payment", part="table"), "payment"),
        ("select * from crm.people", rule("crm", "guest_management", part="schema"), "guest_management"),
        ("select * from crm.bookings", rule("crm", "other", part="schema"), "other"),
        ("select crm_sync()", rule("crm_sync", "vendor_search", part="function"), "vendor_search"),
        ("select anzahlung from vertraege", rule("anzahlung", "payment", part="column"), "payment"),
        (
            "insert into vertraege (anzahlung) values (1)",
            rule("anzahlung", "payment", part="column"),
            "payment",
        ),
        (
            "select * from users /*route='/api/zahlung/7'*/",
            rule("route=/api/zahlung*", "payment", part="tag"),
            "payment",
        ),
        (
            "select * from users /*route='/api/x'*/",
            rule("route=/api/zahlung*", "payment", part="tag"),
            "other",
        ),
    ],
)
def test_rules_know_every_part_of_a_statement(text: str, more: dict[str, object], context: str) -> None:
    assert verdict(text, more)[0] == context


def test_a_rule_for_the_statement_itself_decides_before_all() -> None:
    given = rule("-77", "payment", "low", part="statement")
    assert verdict("select * from bookings", given, queryid=-77) == ("payment", "low")
    assert verdict("select * from bookings", given, queryid=77) == ("booking", "critical")
    only = rule("-77", None, "low", part="statement")
    assert verdict("select * from bookings", only, queryid=-77) == ("booking", "low")
    assert (
        verdict("select * from bookings", rule("-77", "other", None, "statement"), queryid=-77)[0] == "other"
    )


def test_columns_and_tags_support_a_context_but_bring_none_beside_tables() -> None:
    plain = classified("select b.* from bookings b join guests g using (id)")
    tagged = classified("select b.* from bookings b join guests g using (id) /*controller='bookings'*/")
    assert tagged.context == "booking" and tagged.confidence > plain.confidence
    assert classified("select * from bookings /*controller='payments'*/").contexts == ("booking",)
    assert classified("select 1 /*controller='payments'*/").context == "other"


def test_tags_are_read_from_comments_only() -> None:
    text = (
        "/*app:web controller:guests,traceparent='00-5b'*/ select '/*action=''x''*/' --route='%2Fapi%2Fx'\n"
    )
    assert tags(text) == (("app", "web"), ("controller", "guests"), ("route", "/api/x"))
    assert RULES.of_tags([("route", "/api/guests/jane.doe@example.com")]) == ("name guests",)


@pytest.mark.parametrize(
    "comment",
    ["x" * 30000, "x " * 15000, "a=" * 15000, "a='\\" * 10000, "a" + " " * 30000, "a='" + "\\" * 30000],
)
def test_a_comment_costs_what_it_is_long_and_not_its_square(comment: str) -> None:
    begun = time.process_time()
    tags(f"select 1 /* {comment} */")
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("explain (analyze, format json) select 1", ["select 1"]),
        ("explain analyze verbose select 1", ["select 1"]),
        ("declare c cursor for select * from b for update", ["select * from b for update"]),
        ("prepare p (int, numeric(3, 1)) as select 1", ["select 1"]),
        ("copy (select 1) to stdout", ["select 1"]),
        ("copy b (x, y) from stdin", ['insert into "b" default values']),
        ('copy s."From" to stdout', ['select 1 from "s"."From"']),
        ("call f(1, 2)", ["select f(1, 2)"]),
        ("truncate table only a *, s.b cascade", ['delete from "a"', 'delete from "s"."b"']),
        (
            "refresh materialized view concurrently m with no data",
            ['insert into "m" default values'],
        ),
        ("vacuum (analyze) a (x), b", ['select 1 from "a"', 'select 1 from "b"']),
        ("lock table a, b in share mode", ['select 1 from "a"', 'select 1 from "b"']),
        ("vacuum", []),
        ("call", []),
        ("create table a as select 1", []),
        ("copy (", []),
    ],
)
def test_utility_statements_touch_what_their_stand_ins_touch(text: str, expected: list[str]) -> None:
    assert stand_ins(text) == expected


def test_a_function_body_names_what_it_writes_and_reads() -> None:
    body = '''
    declare found record; begin
      insert into public.payments (amount) select total from bookings b, "Odd ""x""" o where true;
      update only guests set a = 1; delete from invoices using vendors v where extract(year from now()) = 1;
      select * into found from weddings w join couples c using (id) for update of w;
      perform settle(1), audit.note('from nowhere'); -- from comments
    end'''
    found = touched_by_body(body)
    roles: dict[str, list[str]] = {}
    for table, role in found.tables:
        roles.setdefault(role, []).append(table.name)
    assert roles["written"] == ["payments", "guests", "invoices"]
    assert roles["joined"] == ["bookings", 'Odd "x"', "vendors", "now", "weddings", "couples"]
    assert {(None, "settle"), ("audit", "note")} <= set(found.functions)
    assert found.guessed and touched_by_body("select 1 from bookings").tables[0][1] == "driving"


def test_our_own_statements_are_known_by_what_they_touch() -> None:
    assert classified("select * from wedding_dbopt.get_metrics()").own
    assert classified('select * from "_wedding_dbopt"."setting" s join pg_class on true').own
    assert classified("select wedding_dbopt.collect(), j.* from cron.job j").own
    assert not classified("select 'wedding_dbopt.health()' from bookings").own
    assert not classified("select wedding_dbopt.x from bookings wedding_dbopt /* wedding_dbopt.tick() */").own
    assert not classified("select * from bookings, wedding_dbopt.health()").own


def test_what_hundreds_of_branches_touch_is_found_and_what_is_nested_too_deeply_is_told() -> None:
    branches = " union all ".join(f"select id from t{n}" for n in range(2000))
    found = touched_by_text(branches).tables
    assert [(table.name, role) for table, role in found] == [(f"t{n}", "driving") for n in range(2000)]
    links = ", ".join(f"c{n} as (select id from c{n - 1})" for n in range(1, 900))
    with pytest.raises(TooDeep):
        touched_by_text(f"with c0 as (select id from t), {links} select id from c899")
