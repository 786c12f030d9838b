"""Read what was hot before a restart or before a season into memory before users wait for it.

Why: after a restart the cache is empty, and the first bookings wait for the disk.
Sound when: the server began a short while ago, the use was measured before, and what is read fits part of shared_buffers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wedding_dbopt.settings.advice import Advice, Target, literal, size
from wedding_dbopt.settings.figures import Server

KIND = "cache_optimization"
#: Share of shared_buffers that is filled: the rest is for what users ask for meanwhile.
SHARE = 0.6
#: Minutes after a start in which the cache counts as cold.
COLD_MINUTES = 30.0
#: Blocks an hour below which a relation is not hot.
MIN_BLOCKS_PER_HOUR = 100.0


@dataclass(frozen=True)
class Hot:
    """A table or an index with its measured use: `blocks_per_hour` asked for, in memory or not.

    `name` is schema and relation, quoted as needed.
    """

    name: str
    schema: str
    relation: str
    kind: str
    bytes: int
    blocks_per_hour: float


@dataclass(frozen=True)
class Cache:
    """`extension` is the schema of pg_prewarm or None; `available` whether it could be created.

    `minutes_up` since the server began, which was at `began_at`. `remembered`: the use is that of the season when it was on
    last, not that of the hours before.
    """

    relations: tuple[Hot, ...]
    minutes_up: float
    extension: str | None = None
    available: bool = False
    season_begins: str | None = None
    began_at: str = ""
    remembered: bool = False


def occasion(cache: Cache) -> str | None:
    """Why now: the server has just begun, or a season begins."""
    if cache.minutes_up <= COLD_MINUTES:
        return f"The server began {cache.minutes_up:.0f} minutes ago with an empty cache"
    if cache.season_begins is not None:
        return f"The season {cache.season_begins} begins"
    return None


def _once(cache: Cache) -> str:
    """What tells this occasion from the next one, which may come within the day."""
    if cache.minutes_up <= COLD_MINUTES:
        return f"start {cache.began_at}"
    return f"season {cache.season_begins}"


def chosen(relations: Sequence[Hot], room: float) -> list[Hot]:
    """The hottest per byte, indexes first at equal heat, until the room is full; each is read whole."""
    ranked = sorted(
        (relation for relation in relations if relation.blocks_per_hour >= MIN_BLOCKS_PER_HOUR),
        key=lambda r: (-r.blocks_per_hour / max(r.bytes, 8192), r.kind != "index", r.name),
    )
    taken: list[Hot] = []
    for relation in ranked:
        if relation.bytes <= room:
            room -= relation.bytes
            taken.append(relation)
    return taken


def precondition(cache: Cache, server: Server) -> list[Hot]:
    """What to read; empty without an occasion, without measured use or without the extension's files."""
    shared = server.parameter("shared_buffers")
    if shared is None or occasion(cache) is None or (cache.extension is None and not cache.available):
        return []
    return chosen(cache.relations, SHARE * shared.bytes)


def advise(cache: Cache, server: Server) -> Iterator[Advice]:
    relations = precondition(cache, server)
    if not relations:
        return
    total = sum(relation.bytes for relation in relations)
    when = f"when the season {cache.season_begins} was on last" if cache.remembered else "in the hours before"
    text = (
        f"{occasion(cache)}. {len(relations)} tables and indexes with {size(total)} were asked for most {when}, "
        f"up to {max(r.blocks_per_hour for r in relations):.0f} blocks an hour"
    )
    evidence = {"relations": [relation.name for relation in relations], "bytes": total}
    if cache.extension is None:
        yield Advice(
            kind=KIND,
            rule="prewarm",
            target=Target("database", server.database),
            sql=("create extension pg_prewarm",),
            rollback_sql=("drop extension pg_prewarm",),
            locks="none on tables",
            level="moderate",
            most="recommend",
            evidence=evidence,
            reason=f"{text}. The extension pg_prewarm, which reads them before users wait, is on this machine but not in "
            f"this database.",
        )
        return
    function = f"{cache.extension}.pg_prewarm"
    # All arguments with their types: one of fewer, made in the same schema by a stranger, would be called in its place.
    yield Advice(
        kind=KIND,
        rule="prewarm",
        target=Target("database", server.database),
        sql=tuple(
            f"select {function}({literal(relation.name)}::regclass, 'buffer'::text, 'main'::text, null::bigint, null::bigint)"
            for relation in relations
        ),
        rollback_sql=(),
        locks="ACCESS SHARE on each while it is read: reads and writes go on",
        level="conservative",
        basis="not estimated: the blocks are read once here in place of once by users",
        evidence=evidence,
        details={"parameter": _once(cache)},
        reason=f"{text}. They fit {SHARE:.0%} of shared_buffers. There is nothing to undo.",
    )
