"""Plan flips on planted histories: found, named and turned back; growth and traffic are none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wedding_dbopt.settings import flips, plan_flips
from wedding_dbopt.settings.advice import Affected, Target
from wedding_dbopt.settings.plan_flips import Happened, History, Interval

MINUTE = 60.0


def intervals(
    before: float = 10.0,
    after: float = 500.0,
    rows_after: float = 5.0,
    calls_after: int = 20,
    ms_after: float = 25.0,
) -> tuple[Interval, ...]:
    """Twenty minutes of 20 calls, the second half with `after` blocks a call."""
    good = [Interval(n * MINUTE, 20, 20 * 0.5, 20 * before, 20 * 5.0) for n in range(1, 11)]
    bad = [
        Interval(
            n * MINUTE, calls_after, calls_after * ms_after, calls_after * after, calls_after * rows_after
        )
        for n in range(11, 21)
    ]
    return (*good, *bad)


HISTORY = History(
    Affected(7, "booking", "critical", 100.0),
    "42",
    intervals(),
    tables=(Target("table", "booking", "public", "booking"),),
)


def history(**changes: object) -> History:
    return replace(HISTORY, **changes)  # type: ignore[arg-type]


def test_a_jump_without_growth_is_a_flip_at_its_moment() -> None:
    flip = plan_flips.find(HISTORY)
    assert flip is not None
    assert (flip.good_until, flip.bad_since) == (10 * MINUTE, 11 * MINUTE)
    assert (flip.blocks_before, flip.blocks_after) == (10.0, 500.0)
    assert flip.calls_per_hour == pytest.approx(1200.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"intervals": intervals(after=10.0)},
        {"intervals": intervals(after=12.0, ms_after=25.0)},
        {"intervals": intervals(rows_after=250.0)},
        {"table_growth": 3.0},
        {"intervals": intervals(after=10.0, calls_after=2000, ms_after=2.0)},
        {"intervals": intervals(ms_after=0.5)},
        {"intervals": intervals()[:12]},
        {"intervals": ()},
    ],
    ids=["same", "few blocks", "more rows", "larger table", "traffic", "as fast", "too new", "nothing"],
)
def test_what_is_no_flip(changes: dict[str, object]) -> None:
    assert plan_flips.find(history(**changes)) is None


def test_a_statement_that_wavers_has_not_flipped() -> None:
    wavering = tuple(
        Interval(n * MINUTE, 20, 20 * (25.0 if n % 2 else 0.5), 20 * (500.0 if n % 2 else 10.0), 100.0)
        for n in range(1, 21)
    )
    assert plan_flips.find(history(intervals=wavering)) is None


DROPPED = Happened(
    "dropped_index",
    9.5 * MINUTE,
    30 * MINUTE,
    "index public.booking_day is gone.",
    Target("index", "booking_day", "public", "booking"),
    ("create index concurrently booking_day on public.booking using btree (day)",),
    ("drop index concurrently public.booking_day",),
    advice_kind="index_creation",
)
ANALYZED = Happened(
    "analyzed", 10.4 * MINUTE, 10.4 * MINUTE, "booking was analysed.", Target("table", "booking")
)
EARLIER = Happened("setting", MINUTE, 2 * MINUTE, "work_mem was lowered.", Target("system"))


def test_the_cause_that_fits_the_time_is_named_and_undone() -> None:
    (advice,) = plan_flips.advise([history(happened=(ANALYZED, DROPPED, EARLIER))])
    assert advice.kind == "index_creation"
    assert advice.sql == DROPPED.sql
    assert advice.evidence["cause"] == "dropped_index"
    assert "At that time: index public.booking_day is gone." in advice.reason
    assert advice.gain_ms_per_hour == pytest.approx(24.5 * 1200, rel=1e-3)


def test_what_happened_at_another_time_is_not_blamed() -> None:
    (advice,) = plan_flips.advise([history(happened=(EARLIER,))])
    assert advice.evidence["cause"] is None
    assert (advice.kind, advice.sql) == ("statistics", ('analyze "public"."booking"',))


def test_the_last_good_plan_is_named() -> None:
    plans = ((5 * MINUTE, "aaaa"), (15 * MINUTE, "bbbb"))
    (advice,) = plan_flips.advise([history(plans=plans)])
    assert (advice.evidence["good_plan"], advice.evidence["bad_plan"]) == ("aaaa", "bbbb")
    assert "its plan was aaaa and is bbbb" in advice.reason


def change(kind: str, subject: str, before: str | None = None, after: str | None = None) -> dict[str, object]:
    return {"kind": kind, "begun": 1.0, "ended": 2.0, "object": subject, "before": before, "after": after}


def test_a_dropped_index_comes_back_by_its_definition() -> None:
    found = flips.happened(
        change(
            "dropped_index",
            'public."Day"',
            'CREATE UNIQUE INDEX "Day" ON public.booking USING btree (day) WHERE (day IS NOT NULL)',
        )
    )
    assert found is not None
    assert found.sql == (
        'create unique index concurrently "Day" on public.booking USING btree (day) WHERE (day IS NOT NULL)',
    )
    assert found.rollback_sql == ('drop index concurrently public."Day"',)
    assert found.target == Target("index", "Day", "public", "booking")


@pytest.mark.parametrize(
    ("subject", "before", "after", "sql", "back"),
    [
        ("jit", None, "off", "alter system reset jit", "alter system set jit = 'off'"),
        (
            "random_page_cost",
            "1.1",
            None,
            "alter system set random_page_cost = '1.1'",
            "alter system reset random_page_cost",
        ),
        (
            "work_mem for app in shop",
            "64MB",
            "64kB",
            """alter role "app" in database "shop" set work_mem = '64MB'""",
            """alter role "app" in database "shop" set work_mem = '64kB'""",
        ),
        (
            "work_mem for every role in shop",
            "64MB",
            None,
            """alter database "shop" set work_mem = '64MB'""",
            """alter database "shop" reset work_mem""",
        ),
        (
            "effective_cache_size",
            "524288 x 8kB",
            None,
            "alter system set effective_cache_size = '524288'",
            "alter system reset effective_cache_size",
        ),
    ],
)
def test_a_setting_goes_back_where_it_was_changed(
    subject: str, before: str | None, after: str | None, sql: str, back: str
) -> None:
    found = flips.happened(change("setting", subject, before, after))
    assert found is not None
    assert (found.sql[0], found.rollback_sql[0]) == (sql, back)
    assert bool(found.details) == (before is not None)


def test_names_with_quotes_are_read() -> None:
    assert flips._table('public."x""; drop table y;--"') == Target(
        "table", 'x"; drop table y;--', "public", 'x"; drop table y;--'
    )
