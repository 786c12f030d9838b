"""Index advice judged kind by kind: the cost left by what is advised, built for real, beside a plain human answer.

Every kind has one statement, on small deterministic data. Costs are the planner's, in percent of those without any
index; every index is built inside a transaction that is rolled back, so methods without a what-if are judged the same way.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.measure import Session
from tests.cluster import Cluster

SETTINGS = {
    "random_page_cost": "1.1",
    "effective_cache_size": "8GB",
    "work_mem": "64MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}

SCHEMA = """
create table vendors (
  id int primary key, name text collate "und-x-icu" not null, email text not null, city int not null, rating int not null,
  profile jsonb not null, labels text[] not null, description text, code varchar(40) collate "und-x-icu" not null);
insert into vendors
  select g, 'vendor ' || md5(g::text) || ' of ' || md5((g % 977)::text), 'Mail' || g || '@example.org', g * 7919 % 400, g % 50,
         jsonb_build_object('category', 'c' || g * 31 % 700, 'seats', g % 90, 'owner', 'o' || g % 4001),
         array['l' || g % 611, 'm' || g % 13], md5((g * 3)::text) || ' word' || g % 3001 || ' flowers',
         md5((g * 5)::text)
  from generate_series(1, 40000) g;
create table bookings (
  id int primary key, vendor_id int not null, customer_id int not null, status text not null, event_on date not null,
  created_at timestamp not null, price numeric(10,2) not null, guests int not null, during daterange not null,
  reference uuid not null);
insert into bookings
  select g, g * 7919::bigint % 40000 + 1, g * 104729::bigint % 25000 + 1,
         case when g % 997 = 0 then 'disputed' when g % 3 = 0 then 'pending' else 'confirmed' end,
         date '2024-01-01' + (g * 31 % 1100), timestamp '2024-01-01' + g * interval '97 seconds', (g * 13 % 90000) / 10.0,
         g * 17 % 300, daterange(date '2020-01-01' + (g * 13 % 3000), date '2020-01-01' + (g * 13 % 3000) + 1 + g % 5),
         md5(g::text)::uuid
  from generate_series(1, 200000) g;
create table visits (at timestamp not null, vendor_id int not null, page text not null, ms int not null);
insert into visits
  select timestamp '2024-01-01' + g * interval '31 seconds', g * 7919::bigint % 40000 + 1, md5(g::text), g % 400
  from generate_series(1, 400000) g;
vacuum analyze vendors; vacuum analyze bookings; vacuum analyze visits;
"""


@dataclass(frozen=True)
class Kind:
    """One statement and the indexes a person would make for it; `budget` is the storage allowed."""

    name: str
    query: str
    reference: tuple[str, ...]
    budget: int | None = None
    extra: bool = False


def _kinds() -> tuple[Kind, ...]:
    search = "to_tsvector('simple', coalesce(description, ''))"
    return (
        Kind("equality", "select * from bookings where customer_id = 77", ("bookings (customer_id)",)),
        Kind(
            "two columns",
            "select * from bookings where vendor_id = 5 and event_on = '2024-06-01'",
            ("bookings (vendor_id, event_on)",),
        ),
        Kind(
            "equality then range",
            "select * from visits where ms = 5 and at >= '2024-03-01' and at < '2024-03-20'",
            ("visits (ms, at)",),
        ),
        Kind(
            "filter, order, limit",
            "select * from bookings where status = 'confirmed' order by created_at desc limit 20",
            ("bookings (status, created_at)",),
        ),
        Kind(
            "order, limit over all",
            "select * from bookings order by price desc limit 10",
            ("bookings (price)",),
        ),
        Kind(
            "rare status (partial)",
            "select * from bookings where status = 'disputed'",
            ("bookings (status) where status = 'disputed'",),
        ),
        Kind(
            "aggregate over a range",
            "select sum(guests) from bookings where created_at between '2024-03-01' and '2024-06-01'",
            ("bookings (created_at) include (guests)",),
        ),
        Kind(
            "lower(email)",
            "select * from vendors where lower(email) = 'mail39@example.org'",
            ("vendors (lower(email))",),
        ),
        Kind(
            "like '%x%' (trigram)",
            "select * from vendors where name like '%a87ff679%'",
            ("vendors using gin (name gin_trgm_ops)",),
        ),
        Kind(
            "like 'x%' (pattern ops)",
            "select * from vendors where code like 'a87ff679%'",
            ("vendors (code varchar_pattern_ops)",),
        ),
        Kind(
            "full text @@",
            f"select * from vendors where {search} @@ to_tsquery('simple', 'word77')",
            (f"vendors using gin ({search})",),
        ),
        Kind(
            "jsonb @>",
            """select * from vendors where profile @> '{"category": "c31"}'""",
            ("vendors using gin (profile jsonb_path_ops)",),
        ),
        Kind(
            "jsonb ->>",
            "select * from vendors where profile ->> 'owner' = 'o77'",
            ("vendors ((profile ->> 'owner'))",),
        ),
        Kind(
            "time range (BRIN)",
            "select * from visits where at >= '2024-02-01' and at < '2024-02-02'",
            ("visits using brin (at)",),
        ),
        Kind(
            "join, both sides",
            "select v.name, b.price from vendors v join bookings b on b.vendor_id = v.id join visits s on s.vendor_id = v.id "
            "where v.email = 'Mail77@example.org' and s.ms < 5",
            ("vendors (email)", "bookings (vendor_id)", "visits (vendor_id)"),
        ),
        Kind("$1 parameters", "select * from bookings where customer_id = $1", ("bookings (customer_id)",)),
        Kind(
            "date_trunc(column)",
            "select count(*) from bookings where date_trunc('day', created_at) = '2024-03-03'",
            ("bookings (date_trunc('day', created_at))",),
        ),
        Kind(
            "OR over two columns",
            "select * from bookings where customer_id = 77 or vendor_id = 99",
            ("bookings (customer_id)", "bookings (vendor_id)"),
        ),
        Kind(
            "ilike '%x%'",
            "select id from vendors where name ilike '%A87FF679%'",
            ("vendors using gin (name gin_trgm_ops)",),
            extra=True,
        ),
        Kind(
            "like $1",
            "select id from vendors where name like $1",
            ("vendors using gin (name gin_trgm_ops)",),
            extra=True,
        ),
        Kind(
            "array @>",
            "select id from vendors where labels @> array['l77']",
            ("vendors using gin (labels)",),
            extra=True,
        ),
        Kind(
            "= any(array column)",
            "select id from vendors where labels && array['l77', 'l78']",
            ("vendors using gin (labels)",),
            extra=True,
        ),
        Kind(
            "jsonb @> $1",
            "select id from vendors where profile @> $1",
            ("vendors using gin (profile jsonb_path_ops)",),
            extra=True,
        ),
        Kind(
            "jsonb ?",
            "select id from vendors where profile ? 'refunded'",
            ("vendors using gin (profile)",),
            extra=True,
        ),
        Kind(
            "range &&",
            "select id from bookings where during && daterange('2021-05-01', '2021-05-03')",
            ("bookings using gist (during)",),
            extra=True,
        ),
        Kind(
            "range @> value",
            "select id from bookings where during @> date '2021-05-01'",
            ("bookings using gist (during)",),
            extra=True,
        ),
        Kind(
            "BRIN within 1 MB",
            "select * from visits where at >= '2024-02-01' and at < '2024-02-02'",
            ("visits using brin (at)",),
            budget=1_000_000,
            extra=True,
        ),
        Kind(
            "wide key (hash)",
            "select * from visits where page = 'a87ff679a2f3e71d9181a67b7542122c'",
            ("visits using hash (page)",),
            extra=True,
        ),
        Kind(
            "index-only aggregate",
            "select vendor_id, sum(guests) from bookings where vendor_id < 4000 group by vendor_id",
            ("bookings (vendor_id) include (guests)",),
            extra=True,
        ),
        Kind(
            "order by two directions",
            "select * from bookings where status = $1 order by event_on desc, id limit 20",
            ("bookings (status, event_on desc, id)",),
            extra=True,
        ),
        Kind(
            "delete by key",
            "delete from visits where vendor_id = $1 and ms = 3",
            ("visits (vendor_id)",),
            extra=True,
        ),
        Kind(
            "in a CTE and a subquery",
            "with late as materialized (select vendor_id from bookings where customer_id = 7) "
            "select name from vendors v where exists (select from late l where l.vendor_id = v.id)",
            ("bookings (customer_id)",),
            extra=True,
        ),
    )


@dataclass
class Verdict:
    """What was left, in percent, with the reference and with the advice; what was advised, and what of it is idle."""

    kind: Kind
    reference: float
    ours: float
    reference_mb: float
    ours_mb: float
    advised: list[str] = field(default_factory=list)
    unused: int = 0
    twins: int = 0
    sizes: list[tuple[str, int, int]] = field(default_factory=list)

    @property
    def solved(self) -> bool:
        return self.ours <= 3 * self.reference and self.ours < 90


def plan(session: Session, query: str) -> dict[str, Any]:
    """The top node; a statement with parameters is planned generically."""
    if "$1" not in query:
        row = session.execute(f"explain (format json) {query}".encode()).fetchone()
    else:
        session.execute("set plan_cache_mode = force_generic_plan")
        session.execute(f"prepare judged as {query}".encode())
        try:
            row = session.execute("explain (format json) execute judged(null)").fetchone()
        finally:
            session.execute("deallocate judged")
    assert row is not None
    found = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return dict(found[0]["Plan"])


def indexes_of(node: dict[str, Any]) -> set[str]:
    names = {str(node["Index Name"])} if "Index Name" in node else set()
    return names.union(*(indexes_of(child) for child in node.get("Plans", ())))


def built(session: Session, query: str, statements: Iterable[str]) -> tuple[float, list[int], int, int]:
    """Cost with the indexes built, their bytes, how many no plan uses, how many repeat what was there."""
    with session.transaction(force_rollback=True):
        before = definitions(session)
        names, sizes = [], []
        for statement in statements:
            known = set(definitions(session))
            session.execute(statement.encode())
            name = next(iter(set(definitions(session)) - known))
            row = session.execute("select pg_relation_size(%s::regclass)", [name]).fetchone()
            assert row is not None
            names.append(name)
            sizes.append(int(row[0]))
        after = definitions(session)
        twins = sum(
            _repeats(after[name], [after[other] for other in after if other != name]) for name in names
        )
        top = plan(session, query)
        unused = sum(name not in indexes_of(top) for name in names)
        assert set(before) <= set(after)
    return float(top["Total Cost"]), sizes, unused, twins


def definitions(session: Session) -> dict[str, str]:
    """Of every index: table, method, keys and predicate, without its name."""
    rows = session.execute(
        "select indexrelid::regclass::text, regexp_replace(pg_get_indexdef(indexrelid), '^.* ON ', '') "
        "from pg_index join pg_class c on c.oid = indrelid where relnamespace = 'public'::regnamespace"
    ).fetchall()
    return {str(name): str(text) for name, text in rows}


def _repeats(definition: str, others: Sequence[str]) -> bool:
    """Whether another index leads with the same keys, included columns aside."""
    keys = definition.rstrip(")")
    return (
        any(other == definition or other.startswith(keys + ",") for other in others) and " WHERE " not in keys
    )


def advice(session: Session, kind: Kind) -> list[tuple[str, int]]:
    rows = session.execute(
        "select implementation_sql, estimated_bytes from wedding_dbopt.recommend_indexes(array[%s], storage_budget => %s)",
        [kind.query, kind.budget],
    ).fetchall()
    return [(str(text).replace(" CONCURRENTLY", ""), int(size)) for text, size in rows]


def judge(session: Session, kind: Kind) -> Verdict:
    without = float(plan(session, kind.query)["Total Cost"])
    reference, reference_sizes, _, _ = built(
        session, kind.query, [f"create index on {item}" for item in kind.reference]
    )
    advised = advice(session, kind)
    cost, sizes, unused, twins = built(session, kind.query, [text for text, _ in advised])
    return Verdict(
        kind,
        100 * reference / without,
        100 * cost / without,
        sum(reference_sizes) / 1e6,
        sum(sizes) / 1e6,
        [text.split(" ON ", 1)[1] for text, _ in advised],
        unused,
        twins,
        [(text, predicted, real) for (text, predicted), real in zip(advised, sizes)],
    )


def judgement() -> list[Verdict]:
    """All kinds, judged on a server of their own."""
    with Cluster() as cluster:
        cluster.install("test", "hypopg", "pg_trgm")
        with cluster.connect() as session:
            for name, value in SETTINGS.items():
                session.execute("select set_config(%s, %s, false)", [name, value])
            for statement in SCHEMA.split(";"):
                if statement.strip():
                    session.execute(statement.encode())
            return [judge(session, kind) for kind in _kinds()]


def within(pairs: Iterable[tuple[str, int, int]], share: float = 0.25) -> tuple[int, int]:
    """How many of (text, predicted, real) are predicted to within a share of the real size, of how many."""
    found = list(pairs)
    return sum(abs(predicted - real) <= share * real for _, predicted, real in found), len(found)


def run() -> None:
    verdicts = judgement()
    print(f"  {'kind':26} {'reference':>9} {'MB':>7} {'ours':>8} {'MB':>7}  solved unused twins")
    for item in verdicts:
        print(
            f"  {item.kind.name:26} {item.reference:9.2f} {item.reference_mb:7.2f} {item.ours:8.2f} {item.ours_mb:7.2f}"
            f"  {'yes' if item.solved else 'NO':6} {item.unused:6} {item.twins:5}"
        )
        for text in item.advised:
            print(f"      {text}")
    main = [item for item in verdicts if not item.kind.extra]
    print(f"  solved {sum(item.solved for item in main)} of {len(main)}", end="")
    print(f", with the further kinds {sum(item.solved for item in verdicts)} of {len(verdicts)}")
    print(
        f"  indexes no plan uses {sum(item.unused for item in verdicts)}, twins {sum(item.twins for item in verdicts)}"
    )
    hits, all_of_them = within(pair for item in verdicts for pair in item.sizes)
    ratios = [predicted / real for item in verdicts for _, predicted, real in item.sizes]
    print(
        f"  size predicted to within 25 %: {hits} of {all_of_them}, median ratio {statistics.median(ratios):.2f}"
    )
    for item in verdicts:
        for text, predicted, real in item.sizes:
            if abs(predicted - real) > 0.25 * real:
                print(f"      {predicted / 1e6:.2f} MB for {real / 1e6:.2f}: {text.split(' ON ', 1)[1]}")
