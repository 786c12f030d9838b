"""A busy database to collect from: many small tables, and thousands of statements with long texts of which a share runs."""

from __future__ import annotations

import random
from collections.abc import Iterable

from tests.bench.measure import Session

TABLES = 300
SUBJECTS = ("vendor", "booking", "guest", "payment", "timeline", "venue", "budget", "review", "photo", "task")
COLUMNS = ("title", "status", "city", "notes", "amount", "seats", "rating", "due_on")


def table(number: int) -> str:
    return f"{SUBJECTS[number % len(SUBJECTS)]}_{number}"


def create_tables(session: Session) -> None:
    """Each table has a primary key and two more indexes, and a few rows."""
    for number in range(TABLES):
        name = table(number)
        session.execute(
            f"""create table {name} (id bigint primary key, vendor_id bigint, title text, status text, city text,
                  notes text, amount numeric(10, 2), seats integer, rating real, due_on date);
                insert into {name} select g, g % 7, 'title ' || g, 'open', 'city', 'n', g, g, g, date '2026-05-01' + g
                from generate_series(1, 40) as g;
                create index on {name} (vendor_id, due_on);
                create index on {name} (status)""".encode()
        )
    session.execute("analyze")


def statements(number: int, seed: int = 7) -> list[str]:
    """Statements of different shape, 200 to 2,000 characters long (600 in the mean), one in five an UPDATE."""
    chance = random.Random(seed)
    made = []
    for place in range(number):
        name = table(place % TABLES)
        shape = place // TABLES
        filters = [f"t.{column} is not null" for bit, column in enumerate(COLUMNS) if shape >> bit & 1]
        length = min(2000, max(200, int(chance.lognormvariate(6.25, 0.6))))
        if place % 5 == 4:
            where = " and ".join([f"t.id = {place % 40}", *filters])
            text = f"update {name} as t set seats = t.seats, rating = t.rating, title = t.title where {where}"
        else:
            wanted = ["t.id"]
            tail = " and ".join(["t.vendor_id = 3", "t.due_on >= date '2026-05-01'", *filters])
            while sum(len(term) + 2 for term in wanted) + len(tail) < length - 60:
                column = COLUMNS[len(wanted) % len(COLUMNS)]
                wanted.append(f"coalesce(t.{column}::text, 'none') as {column}_{len(wanted)}")
            text = f"select {', '.join(wanted)} from {name} as t where {tail} order by t.due_on limit 5"
        made.append(text)
    return made


def run(session: Session, chosen: Iterable[str], batch: int = 40) -> None:
    """Run statements, several in one message."""
    pending: list[str] = []
    for text in chosen:
        pending.append(text)
        if len(pending) == batch:
            session.execute(";".join(pending).encode())
            pending = []
    if pending:
        session.execute(";".join(pending).encode())


def share_of(texts: list[str], share: float, chance: random.Random) -> list[str]:
    """What runs between two passes: a hot head that repeats and a random tail."""
    weights = [1 / (place + 20) for place in range(len(texts))]
    keys = sorted(
        range(len(texts)), key=lambda place: -(chance.random() ** (1 / (weights[place] * len(texts))))
    )
    return [texts[place] for place in keys[: round(share * len(texts))]]
