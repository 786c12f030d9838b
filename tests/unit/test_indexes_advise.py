"""From workload to recommendations, with a planner whose prices are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest
from test_indexes_fixture import BOOKINGS, CATALOG, FakeSource, column, index, relation, uses_of
from wedding_dbopt.catalog import Catalog, Relation
from wedding_dbopt.errors import MissingExtension
from wedding_dbopt.indexes.advise import Advice, advise
from wedding_dbopt.indexes.conditions import Search
from wedding_dbopt.indexes.cost import Weight, WorkloadCost, WriteRate, balanced
from wedding_dbopt.indexes.definition import IndexDef
from wedding_dbopt.indexes.limits import Limits
from wedding_dbopt.indexes.sample import Proof, Unproven
from wedding_dbopt.indexes.selection.greedy import filled
from wedding_dbopt.indexes.selection.problem import Problem, joined
from wedding_dbopt.indexes.size import KeyFacts
from wedding_dbopt.indexes.what_if import WhatIf
from wedding_dbopt.indexes.workload import WorkloadStatement
from wedding_dbopt.query import Query

VENUE = "select * from bookings where venue_id = $1"
VENUE_STATUS = "select * from bookings where venue_id = $1 and status = $2"
TEXTS = {"venue": VENUE, "both": VENUE_STATUS, "broken": VENUE}


def statement(key: str, **facts: Any) -> WorkloadStatement:
    values = {"calls": 1000.0, "mean_ms": 5.0, "criticality": "high", "context": "booking", **facts}
    text = values.pop("text", TEXTS.get(key, VENUE))
    return WorkloadStatement(key, Query.parse(text), **values)


def price(key: str, live: list[str]) -> tuple[float, list[str]]:
    """An index led by venue_id brings 1000 down to 100, with status behind it the second statement to 10."""
    best, used = 1000.0, []
    for sql in live:
        keys = sql.split("btree (")[1].split(")")[0].replace('"', "").split(", ")
        cost = 1000.0
        if keys[0] == "venue_id":
            cost = 10.0 if key == "both" and keys[:2] == ["venue_id", "status"] else 100.0
        if cost < best:
            best, used = cost, [sql]
    return best, used


def run(*statements: WorkloadStatement, source: FakeSource | None = None, **options: Any) -> Advice:
    ticks = options.pop("ticks", 0.0)
    counter = count()
    clock: Callable[[], float] = lambda: next(counter) * ticks  # noqa: E731
    chosen = {"storage_budget": 10**9, "deadline": 100.0, "clock": clock, **options}
    return advise(statements, CATALOG, source or FakeSource(price), **chosen)


def test_one_index_serves_both_statements() -> None:
    source = FakeSource(price)
    advice = run(statement("venue"), statement("both", mean_ms=9.0), source=source)
    [found] = advice.recommendations
    assert [key.column for key in found.index.columns] == ["venue_id", "status"]
    assert [(key, before) for key, before, _ in found.benefits] == [("both", 1000.0), ("venue", 1000.0)]
    assert all(after < 101 for _, _, after in found.benefits)
    assert found.total_benefit_ms == pytest.approx(1000 * 5 * 0.9 + 1000 * 9 * 0.99, rel=0.01)
    assert found.proof == "what-if"
    assert found.priority == "high"
    assert "2 statements use it" in found.reason
    assert source.live == {}


def test_the_descent_of_a_hypothetical_index_is_charged() -> None:
    [found] = run(statement("venue")).recommendations
    assert found.benefits[0][2] == pytest.approx(100 + 50 * 0.0025 * 2)


def test_same_input_same_answer() -> None:
    items = [statement("venue"), statement("both")]
    assert run(*items) == run(*items)


def test_budget_is_kept() -> None:
    one = run(statement("venue")).recommendations[0].estimated_bytes
    assert run(statement("venue"), storage_budget=one).recommendations
    assert run(statement("venue"), storage_budget=one - 1).recommendations == ()


def test_keys_are_counted_for_one_statement_too_where_room_may_be_short() -> None:
    counted: list[IndexDef] = []

    def measure(relation: Relation, index: IndexDef) -> KeyFacts:
        counted.append(index)
        return KeyFacts(20.0, tuple((key.term, 4.0) for key in index.columns))

    def together(key: str, live: list[str]) -> tuple[float, list[str]]:
        used = [
            sql for sql in live if '("venue_id", "vendor_id")' in sql or '("vendor_id", "venue_id")' in sql
        ]
        return (10.0, used[:1]) if used else (1000.0, [])

    asked = statement("pair", text="select * from bookings where venue_id = $1 and vendor_id = $2")

    def size(**options: Any) -> int:
        [found] = run(asked, source=FakeSource(together), **options).recommendations
        return found.estimated_bytes

    guessed, known = size(), size(measure=measure)
    assert (known < guessed / 2, len(counted)) == (True, 1)
    # Guessed it would not fit.
    assert size(measure=measure, storage_budget=known) == known


def test_a_statement_that_cannot_be_planned_is_skipped() -> None:
    advice = run(statement("broken"), statement("venue"))
    assert advice.skipped == (("broken", "relation missing"),)
    assert len(advice.recommendations) == 1


def test_a_small_gain_is_no_reason() -> None:
    source = FakeSource(lambda key, live: (980.0, live[:1]) if live else (1000.0, []))
    assert run(statement("venue"), source=source).recommendations == ()


def test_no_statement_may_get_much_dearer() -> None:
    def harmful(key: str, live: list[str]) -> tuple[float, list[str]]:
        cost, used = price(key, live)
        return (1200.0, used) if key == "both" and used else (cost, used)

    source = FakeSource(harmful)
    assert run(statement("venue"), statement("both"), source=source).recommendations == ()


def test_an_index_left_out_for_its_writing_is_told() -> None:
    written = run(statement("venue"), writes={("public", "bookings"): WriteRate(inserts=50_000)})
    assert written.recommendations == ()
    [text] = written.left_out
    assert "spares 8,99" in text and "ms of writing" in text
    assert run(statement("venue")).left_out == ()


def test_writes_can_outweigh_the_gain() -> None:
    writes = {("public", "bookings"): WriteRate(inserts=50_000)}
    assert run(statement("venue"), writes=writes).recommendations == ()
    few = {("public", "bookings"): WriteRate(inserts=1)}
    [found] = run(statement("venue"), writes=few).recommendations
    assert found.write_cost > 0


def test_indexes_that_pay_only_together_come_together() -> None:
    def team(key: str, live: list[str]) -> tuple[float, list[str]]:
        arms = [sql for sql in live if '("venue_id")' in sql or '("vendor_id")' in sql]
        return (50.0, arms) if len(arms) == 2 else (1000.0, [])

    text = "select * from bookings where venue_id = $1 or vendor_id = $2"
    advice = run(statement("or", text=text), source=FakeSource(team))
    columns = sorted(found.index.columns[0].column or "" for found in advice.recommendations)
    assert columns == ["vendor_id", "venue_id"]
    assert sum(found.total_benefit_ms for found in advice.recommendations) == pytest.approx(
        5000 * 0.95, rel=0.01
    )


def test_time_limit_gives_what_there_is() -> None:
    advice = run(statement("venue"), statement("both"), deadline=1.0, ticks=10.0)
    assert advice.recommendations == ()
    assert [reason for _, reason in advice.skipped] == ["the time limit came first"] * 2


def test_where_time_does_not_reach_for_all_the_heaviest_are_read_and_advised() -> None:
    class Slow(FakeSource):
        now = 0.0

        def explain(self, key: str) -> Any:
            self.now += 1.0
            return super().explain(key)

    source = Slow(price)
    items = [statement(f"s{number:02}", mean_ms=100.0 - number) for number in range(90)]
    advice = run(*items, source=source, clock=lambda: source.now, deadline=100.0)
    assert [item.key for item in advice.unread] == [f"s{number:02}" for number in range(31, 90)]
    assert {item.reason for item in advice.unread} == {"the time limit came first"}
    [found] = advice.recommendations
    assert [key.column for key in found.index.columns] == ["venue_id"]
    assert source.now < 105.0


def test_what_pays_is_added_where_the_search_left_room() -> None:
    columns = {"venue": "venue_id", "vendor": "vendor_id", "day": "wedding_date", "mail": "email"}

    def led(key: str, live: list[str]) -> tuple[float, list[str]]:
        used = [sql for sql in live if f'("{columns[key]}")' in sql]
        return (400.0, used) if used else (1000.0, [])

    asked = [
        statement(key, text=f"select * from bookings where {name} = $1") for key, name in columns.items()
    ]
    # Seven plans end the search before it has a set; of what is kept for mending it, the room is filled.
    advice = run(*asked, source=FakeSource(led), most_plans=7)
    assert {item.index.columns[0].column for item in advice.recommendations} == {*columns.values()}


def test_an_index_the_server_refuses_is_left_out() -> None:
    text = "select * from bookings where lower(email) = $1"
    source = FakeSource(lambda key, live: (10.0, live[:1]) if live else (1000.0, []))
    assert run(statement("lower", text=text), source=source).recommendations == ()


def test_a_missing_extension_is_told() -> None:
    class NoHypopg(FakeSource):
        def create_hypothetical(self, wanted: Sequence[tuple[str, tuple[str, str]]]) -> list[int]:
            raise MissingExtension("hypopg is missing")

    with pytest.raises(MissingExtension):
        run(statement("venue"), source=NoHypopg(price))


def test_unmeasured_time_counts_as_planner_cost() -> None:
    [found] = run(statement("venue", mean_ms=0.0, calls=1.0)).recommendations
    assert found.total_benefit_ms == pytest.approx(1000 * 0.01 * 0.9, rel=0.01)


def test_criticality_and_gain_make_the_priority() -> None:
    [found] = run(statement("venue", criticality="critical")).recommendations
    assert (found.criticality, found.priority) == ("critical", "critical")
    source = FakeSource(lambda key, live: (900.0, live[:1]) if live else (1000.0, []))
    [found] = run(statement("venue", criticality="critical"), source=source).recommendations
    assert found.priority == "high"


def test_one_guessed_giant_does_not_silence_the_others() -> None:
    assert balanced({"a": 10.0, "b": 20.0, "c": 30.0, "d": 1e9}) == {
        "a": 10.0,
        "b": 20.0,
        "c": 30.0,
        "d": 60.0,
    }


SEARCH = "select * from vendors where to_tsvector('english', name) @@ to_tsquery($1)"


def two_statements() -> WorkloadCost:
    """A large statement that an index on venue_id halves, a small one that one on vendor_id takes to a tenth."""
    prices = {"large": {(): 1000.0, ("venue_id",): 500.0}, "small": {(): 10.0, ("vendor_id",): 1.0}}

    def cheapest(key: str, live: list[str]) -> tuple[float, list[str]]:
        leads = {sql.split('btree ("')[1].split('"')[0]: sql for sql in live}
        cost, columns = min(
            (cost, columns) for columns, cost in prices[key].items() if set(columns) <= set(leads)
        )
        return cost, [leads[column] for column in columns]

    what_if = WhatIf(FakeSource(cheapest), lambda index: 8192)
    for key in prices:
        what_if.watch(key, uses_of("select * from bookings where venue_id = $1 and vendor_id = $2"))
    return WorkloadCost(
        what_if,
        {"large": Weight(1000.0, 1.0), "small": Weight(10.0, 1.0)},
        lambda index: 8192,
        lambda index: 0.0,
    )


VENUE_INDEX = frozenset({index("bookings", "venue_id")})
VENDOR_INDEX = frozenset({index("bookings", "vendor_id")})


def test_relative_gains_count_once_the_sum_is_settled() -> None:
    workload = two_statements()
    assert workload.change(VENDOR_INDEX, VENUE_INDEX).gain > 0
    assert workload.leaning(1.0).change(VENDOR_INDEX, VENUE_INDEX).gain < 0


@pytest.mark.parametrize(("rounds", "expected"), [(0, frozenset()), (1, VENDOR_INDEX), (2, VENUE_INDEX)])
def test_what_was_priced_before_time_ran_out_is_not_lost(rounds: int, expected: frozenset[IndexDef]) -> None:
    workload, passed = two_statements(), count()
    workload.likely = lambda config, other: 20.0 if other == VENUE_INDEX else 30.0  # type: ignore[method-assign]
    problem = Problem(workload, 10**9, lambda: next(passed) >= rounds)
    assert filled(problem, [VENUE_INDEX, VENDOR_INDEX], frozenset()) == expected


def test_what_is_known_is_taken_though_there_is_no_time() -> None:
    workload = two_statements()
    assert (
        filled(Problem(workload, 10**9, lambda: True), [VENUE_INDEX, VENDOR_INDEX], frozenset())
        == frozenset()
    )
    workload.total(VENUE_INDEX)
    assert (
        filled(Problem(workload, 10**9, lambda: True), [VENUE_INDEX, VENDOR_INDEX], frozenset())
        == VENUE_INDEX
    )


def searching(key: str, live: list[str]) -> Any:
    return 1000.0, []


class SearchSource(FakeSource):
    def explain(self, key: str) -> Any:
        return {"Node Type": "Seq Scan", "Relation Name": "vendors", "Total Cost": 1000.0, "Filter": "x"}


def test_a_proven_search_index_is_recommended() -> None:
    def prove(relation: Relation, search: Search) -> Proof | Unproven:
        assert relation.name == "vendors"
        assert search.condition == "TO_TSVECTOR('english', \"name\") @@ $1"
        return Proof(1000.0, 40.0, 2_000_000, 5000)

    advice = run(statement("find", text=SEARCH), source=SearchSource(searching), prove=prove)
    [found] = advice.recommendations
    assert (found.index.method, found.proof, found.estimated_bytes) == ("gin", "sample", 2_000_000)
    assert found.benefits == (("find", 1000.0, 40.0),)


@pytest.mark.parametrize(
    ("options", "methods"),
    [
        ({}, ["btree", "gin"]),
        ({"storage_budget": 2_050_000}, ["gin"]),
        ({"limits": Limits(in_all=1)}, ["gin"]),
    ],
)
def test_a_proof_that_takes_the_rest_of_the_time_costs_no_index_chosen_before(
    options: dict[str, Any], methods: list[str]
) -> None:
    now = [0.0]

    class Both(FakeSource):
        def explain(self, key: str) -> Any:
            return SearchSource.explain(self, key) if key == "find" else super().explain(key)

    def prove(relation: Relation, search: Search) -> Proof | Unproven:
        now[0] = 200.0
        return Proof(1000.0, 40.0, 2_000_000, 5000)

    asked = statement("venue"), statement("find", text=SEARCH)
    advice = run(*asked, source=Both(price), prove=prove, clock=lambda: now[0], **options)
    assert sorted(item.index.method for item in advice.recommendations) == methods


def test_an_unproven_search_index_is_skipped_with_the_reason() -> None:
    advice = run(
        statement("find", text=SEARCH),
        source=SearchSource(searching),
        prove=lambda relation, search: Unproven("no rows"),
    )
    assert advice.recommendations == ()
    assert advice.skipped == (("find", "GIN index unproven: no rows"),)
    assert run(statement("find", text=SEARCH), source=SearchSource(searching)).recommendations == ()


def test_joining_leaves_out_what_is_served() -> None:
    narrow, wide = index("bookings", "venue_id"), index("bookings", "venue_id", "status")
    assert joined(frozenset({narrow}), frozenset({wide})) == {wide}
    assert joined(frozenset({wide}), frozenset({narrow})) == {wide}
    assert BOOKINGS.name == wide.table


ARCHIVED = "select * from bookings where archived = $1"


def skewed(key: str, live: list[str]) -> tuple[float, list[str]]:
    """An index on archived brings the rare value from 1000 to 40, and nothing to the common one and the average."""
    fitting = [sql for sql in live if 'btree ("archived"' in sql]
    return (40.0, fitting[:1]) if key == "q rare" and fitting else (1000.0, [])


def with_constants(key: str) -> dict[str, Query]:
    values = {"common": "false", "rare": "true"}
    return {f"{key} {label}": Query.parse(ARCHIVED.replace("$1", v)) for label, v in values.items()}


def test_rare_values_of_a_skewed_column_are_seen_with_their_share_of_the_gain() -> None:
    source = FakeSource(skewed)
    assert run(statement("q", text=ARCHIVED), source=source).recommendations == ()
    advice = run(statement("q", text=ARCHIVED), source=source, represent=with_constants)
    [found] = advice.recommendations
    assert [key.column for key in found.index.columns] == ["archived"]
    [(key, before, after)] = found.benefits
    assert (key, before) == ("q", 1000.0)
    assert after == pytest.approx((1000 + 1000 + 40) / 3, abs=1)
    assert found.total_benefit_ms == pytest.approx(1000 * 5 * 0.96 / 3, rel=0.01)
    assert "with rare values from 1,000.0 to 40" in found.reason
    assert "With the generic plan and with common values it stays as it is." in found.reason
    assert source.live == {}


def test_constants_are_asked_for_only_where_the_generic_plan_does_not_settle_it() -> None:
    asked: list[str] = []

    def represent(key: str) -> dict[str, Query]:
        asked.append(key)
        return {}

    taken = FakeSource(lambda key, live: (40.0, live[:1]) if live else (1000.0, []))
    fixed = statement("fixed", text=ARCHIVED.replace("$1", "false"))
    plain = run(statement("venue"), statement("q", text=ARCHIVED), fixed, source=taken)
    again = run(statement("venue"), statement("q", text=ARCHIVED), fixed, source=taken, represent=represent)
    assert asked == []
    assert again == plain
    run(statement("venue"), fixed, source=FakeSource(skewed), represent=represent)
    assert asked == []


def test_a_value_of_most_rows_is_counted_where_the_generic_plan_is_for_a_rare_one() -> None:
    owner = column("owner", distinct=6000, most_common_vals=(1,), most_common_freqs=(0.95,))
    catalog = Catalog([relation("files", [column("id"), owner, column("body", "text")])], ["public"])
    text = "select * from files where owner = $1"

    def by_owner(key: str, live: list[str]) -> tuple[float, list[str]]:
        fitting = [sql for sql in live if 'btree ("owner"' in sql]
        return (1000.0, []) if key.endswith("common") or not fitting else (40.0, fitting[:1])

    def represent(key: str) -> dict[str, Query]:
        return {
            f"{key} {n}": Query.parse(text.replace("$1", str(i))) for i, n in enumerate(("common", "rare"))
        }

    source = FakeSource(by_owner)
    asked = statement("q", text=text)
    options = {"storage_budget": 10**9, "deadline": 100.0, "clock": lambda: 0.0, "represent": represent}
    [found] = advise([asked], catalog, source, **options).recommendations
    assert found.benefits[0][2] == pytest.approx((40 + 1000 + 40) / 3, abs=1)
    assert found.reason.endswith("With common values it stays as it is.")


def test_the_number_of_indexes_is_bounded_and_what_was_left_out_is_said() -> None:
    both = [statement("1"), statement("2", text="select * from vendors where category = 'x'")]

    def by_table(key: str, live: list[str]) -> tuple[float, list[str]]:
        wanted = '"venue_id"' if key == "1" else '"category"'
        used = [sql for sql in live if wanted in sql][:1]
        return (10.0 if used else 1000.0), used

    found = run(*both, source=FakeSource(by_table))
    assert len(found.recommendations) == 2 and found.left_out == ()
    one = run(*both, source=FakeSource(by_table), limits=Limits(in_all=1))
    assert len(one.recommendations) == 1
    assert len(one.left_out) >= 1 and "no more than 1 new indexes" in one.left_out[0]
    # Bookings have one index already, the key's; vendors none.
    table = run(*both, source=FakeSource(by_table), limits=Limits(per_table=1))
    assert [item.index.table for item in table.recommendations] == ["vendors"]
    assert "and bookings has 1" in table.left_out[0]
    assert run(*both, source=FakeSource(by_table), limits=Limits(in_all=0)).recommendations == ()


def test_a_search_index_takes_no_room_from_what_brings_more() -> None:
    def prices(key: str, live: list[str]) -> tuple[float, list[str]]:
        used = [sql for sql in live if '"venue_id"' in sql][:1]
        return (10.0 if used and key == "venue" else 1000.0), used if key == "venue" else []

    class Source(FakeSource):
        def explain(self, key: str) -> Any:
            if key == "find":
                return {
                    "Node Type": "Seq Scan",
                    "Relation Name": "vendors",
                    "Total Cost": 1000.0,
                    "Filter": "x",
                }
            return super().explain(key)

    def both(find_ms: float, budget: int) -> set[str]:
        asked = statement("find", text=SEARCH, mean_ms=find_ms), statement("venue")
        advice = run(
            *asked,
            source=Source(prices),
            prove=lambda relation, search: Proof(1000.0, 40.0, 50_000_000, 5000),
            storage_budget=budget,
        )
        left_out = [why for _, why in advice.skipped if "other indexes bring more" in why]
        methods = {item.index.method for item in advice.recommendations}
        assert bool(left_out) is ("gin" not in methods)
        return methods

    assert both(4.0, 10**9) == {"gin", "btree"}
    assert both(4.0, 50_000_000) == {"btree"}
    assert both(500.0, 50_000_000) == {"gin"}


CONTAINED = "select * from vendors where name ilike '%' || $1 || '%'"


@pytest.mark.parametrize(
    ("text", "enough", "too_little"), [(SEARCH, 1000.0, None), (CONTAINED, 790.0, 810.0)]
)
def test_a_search_index_must_bring_its_part_beside_the_b_trees(
    text: str, enough: float, too_little: float | None
) -> None:
    def proven(after: float) -> int:
        advice = run(
            statement("find", text=text),
            source=SearchSource(searching),
            prove=lambda relation, search: Proof(1000.0, after, 2_000_000, 5000),
        )
        return len(advice.recommendations)

    # The planner counts a fifth of what it takes to make the words of a row.
    assert proven(enough) == 1
    assert too_little is None or proven(too_little) == 0


@pytest.mark.parametrize(
    ("calls", "mean_ms", "cost", "advised"),
    [
        (1.0, 0.0, 30.0, True),
        (1.0, 0.0, 8.0, False),  # less than a tenth of a millisecond by the planner's cost
        (1000.0, 5.0, 1000.0, True),
        (1.0, 4.0, 1000.0, False),  # 4 ms over all the time watched
        (10_000_000.0, 0.05, 1000.0, True),  # less than a tenth of a millisecond, but most of the workload
        (0.0, 0.0, 1000.0, False),
    ],
)
def test_a_gain_must_be_noticed(calls: float, mean_ms: float, cost: float, advised: bool) -> None:
    source = FakeSource(lambda key, live: (cost / 10, live[:1]) if live else (cost, []))
    advice = run(statement("venue", calls=calls, mean_ms=mean_ms), source=source)
    assert bool(advice.recommendations) is advised


def test_a_second_order_of_the_same_columns_is_no_gain() -> None:
    """Both orders serve the one statement, only the first serves the other: what the second spares nobody notices."""
    texts = {"one": "select * from bookings where venue_id = $1", "two": VENUE_STATUS}

    def prices(key: str, live: list[str]) -> tuple[float, list[str]]:
        keys = {sql.split("btree (")[1].split(")")[0].replace('"', ""): sql for sql in live}
        costs = {"venue_id, status": 21.0, "venue_id": 100.0, "status, venue_id": 14.0}
        if key == "one":
            costs = {"venue_id, status": 100.0, "venue_id": 99.0}
        best = min(((costs[name], [sql]) for name, sql in keys.items() if name in costs), default=None)
        return best or (10_000.0, [])

    asked = [statement(key, text=text, mean_ms=0.0, calls=1.0) for key, text in texts.items()]
    [found] = run(*asked, source=FakeSource(prices)).recommendations
    assert [key.column for key in found.index.columns] == ["venue_id", "status"]


def test_a_cheap_companion_takes_no_weight_from_a_guessed_time() -> None:
    def prices(key: str, live: list[str]) -> tuple[float, list[str]]:
        if key == "venue":
            used = [sql for sql in live if '"venue_id"' in sql][:1]
            return (100.0 if used else 9000.0), used
        return 8.0, []

    companion = statement("id", text="select 1 from bookings where id = $1", mean_ms=0.0, calls=1.0)
    asked = statement("venue", mean_ms=0.0, calls=1.0)
    alone = run(asked, source=FakeSource(prices)).recommendations
    both = run(asked, companion, source=FakeSource(prices)).recommendations
    assert [item.total_benefit_ms for item in both] == [item.total_benefit_ms for item in alone]
    assert both[0].total_benefit_ms == pytest.approx(89.0, rel=0.001)


def test_what_indexes_bring_together_is_said() -> None:
    text = "select * from bookings where venue_id = $1 or vendor_id = $2"

    def prices(key: str, live: list[str]) -> tuple[float, list[str]]:
        used = [sql for sql in live if '("venue_id")' in sql or '("vendor_id")' in sql]
        return (20.0, used) if len(used) == 2 else (1000.0, [])

    found = run(statement("q", text=text), source=FakeSource(prices)).recommendations
    assert len(found) == 2
    for one, other in (found, found[::-1]):
        assert f"the gain with {other.name} beside it" in one.reason


def test_a_statement_nested_too_deeply_is_left_out_and_the_others_get_their_advice() -> None:
    links = ", ".join(f"c{n} as (select venue_id from c{n - 1})" for n in range(1, 900))
    deep = f"with c0 as (select venue_id from bookings), {links} select 1 from c899 where venue_id = 1"
    advice = run(statement("deep", text=deep), statement("venue"))
    assert advice.skipped == (("deep", "The statement is nested too deeply to be analysed"),)
    [found] = advice.recommendations
    assert [key for key, _, _ in found.benefits] == ["venue"]


@pytest.mark.parametrize("connector", ["or", "and"])
def test_thousands_of_conditions_are_walked_in_the_order_of_the_text(connector: str) -> None:
    chain = f" {connector} ".join(f"venue_id = {n}" for n in range(5000))
    query = Query.parse(f"select * from bookings where {chain} {connector} (status = $1 {connector} id = 1)")
    [use] = uses_of(query.text)
    keys = [term.column for group in use.groups for term in group.equal]
    assert set(keys) == {"venue_id", "status", "id"}
    assert keys.index("venue_id") < keys.index("status") < keys.index("id")
