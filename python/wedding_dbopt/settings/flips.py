"""Reads the histories of statements whose plan may have flipped, and what happened meanwhile, with its reversal."""

from __future__ import annotations

import re

from wedding_dbopt.database import Database, Row
from wedding_dbopt.query import unquoted
from wedding_dbopt.settings.advice import Affected, Target, literal, quoted
from wedding_dbopt.settings.parameters import RELOAD
from wedding_dbopt.settings.plan_flips import Happened, History, Interval

_WINDOW = ["timestamptz", "timestamptz"]
_INTERVALS = """
select extract(epoch from h.ended)::float8 as ended, h.calls, h.exec_ms, (h.hit + h.read)::float8 as blocks, h.rows
from _wedding_dbopt.statement_history($1, $2, $3, true) h order by h.ended
"""
_CHANGES = """
select c.kind, extract(epoch from c.begun)::float8 as begun, extract(epoch from c.ended)::float8 as ended,
       c.object, c.before, c.after
from _wedding_dbopt.plan_changes($1, $2, $3) c
"""
_PLANS = """
select extract(epoch from seen)::float8 as seen, p.fingerprint
from _wedding_dbopt.statement_plan p cross join unnest(array[p.first_seen, p.last_seen]) as seen
where p.statement_id = $1 order by seen
"""
_SCOPED = re.compile(r"(?P<name>\S+) for (?P<role>.+) in (?P<database>.+)")
_NAME = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_INDEX = re.compile(
    r"CREATE (?P<unique>UNIQUE )?INDEX (?P<name>.+?) ON (?:ONLY )?(?P<table>\S+) (?P<rest>USING .*)",
    re.DOTALL,
)


def histories(database: Database, since: str, until: str) -> list[History]:
    """The candidates of the window with all that plan_flips asks for."""
    candidates = database.query(
        "select * from _wedding_dbopt.flip_candidates($1, $2)", _WINDOW, [since, until]
    )
    return [_history(database, row, since, until) for row in candidates]


def _history(database: Database, row: Row, since: str, until: str) -> History:
    tables = list(row["tables"])
    window = ["text[]", *_WINDOW]
    growth = database.query(
        "select _wedding_dbopt.table_growth($1, $2, $3) as grown", window, [tables, since, until]
    )[0]
    changes = database.query(_CHANGES, window, [tables, since, until])
    return History(
        Affected(int(row["statement_id"]), row["context"], row["criticality"], float(row["exec_ms"])),
        row["queryid"],
        tuple(
            Interval(
                float(i["ended"]), int(i["calls"]), float(i["exec_ms"]), float(i["blocks"]), float(i["rows"])
            )
            for i in database.query(_INTERVALS, ["integer", *_WINDOW], [row["statement_id"], since, until])
        ),
        tuple(found for change in changes for found in [happened(change)] if found is not None),
        float(growth["grown"]),
        tuple(
            (float(plan["seen"]), plan["fingerprint"])
            for plan in database.query(_PLANS, ["integer"], [row["statement_id"]])
        ),
        tables=tuple(_table(name) for name in tables),
    )


def happened(change: Row) -> Happened | None:
    """A change with the statements that take it back, and those that undo that."""
    kind, subject = str(change["kind"]), str(change["object"])
    begun, ended = float(change["begun"]), float(change["ended"])
    if kind == "dropped_index":
        return _dropped_index(subject, str(change["before"]), begun, ended)
    if kind == "setting":
        return _setting(subject, change["before"], change["after"], begun, ended)
    if kind == "our_action":
        return Happened(
            kind,
            begun,
            ended,
            f"our own action {subject} ({change['before']}) was applied; rollback_action({subject}) takes it back.",
            Target("action", subject),
        )
    return Happened(
        kind,
        begun,
        ended,
        f"{subject} was analysed, so its statistics changed; raised statistics targets make them finer.",
        _table(subject),
    )


def _dropped_index(name: str, definition: str, begun: float, ended: float) -> Happened | None:
    parts = _INDEX.fullmatch(definition)
    if parts is None:
        return None
    schema, _, plain = name.rpartition(".")
    return Happened(
        "dropped_index",
        begun,
        ended,
        f"the index {name} is gone, which was: {definition}.",
        Target("index", unquoted(plain), unquoted(schema), _table(parts["table"]).name),
        (
            f"create {(parts['unique'] or '').lower()}index concurrently {parts['name']} on {parts['table']} "
            f"{parts['rest']}",
        ),
        (f"drop index concurrently {name}",),
        locks=f"SHARE UPDATE EXCLUSIVE on {parts['table']}: reads and writes go on",
        advice_kind="index_creation",
    )


def _setting(subject: str, before: str | None, after: str | None, begun: float, ended: float) -> Happened:
    scoped = _SCOPED.fullmatch(subject)
    name = scoped["name"] if scoped else subject
    text = f"{subject} became {after or 'its default'}, before it was {before or 'its default'}."
    kind, place = "system", "alter system"
    reload = () if scoped else (RELOAD,)
    if scoped:
        here = "" if scoped["database"] == "every database" else f" in database {quoted(scoped['database'])}"
        if scoped["role"] == "every role":
            kind, place = "database", f"alter database {quoted(scoped['database'])}"
        else:
            kind, place = "role", f"alter role {quoted(scoped['role'])}{here}"
    return Happened(
        "setting",
        begun,
        ended,
        text,
        Target(kind, scoped[kind] if scoped else None),
        (f"{place} {_value(name, before)}", *reload),
        (f"{place} {_value(name, after)}", *reload),
        details={} if before is None else _details(name, before, scoped),
    )


def _details(name: str, value: str, scoped: re.Match[str] | None) -> dict[str, str | None]:
    details: dict[str, str | None] = {"parameter": name, "value": _number(value)}
    if scoped and scoped["role"] != "every role":
        everywhere = scoped["database"] == "every database"
        details["database"] = None if everywhere else scoped["database"]
    return details


def _value(name: str, value: str | None) -> str:
    return f"reset {name}" if value is None else f"set {name} = {literal(_number(value))}"


def _number(value: str) -> str:
    """A number with its unit stands as `4096 kB` or `16384 x 8kB`; the number alone means the same to SET."""
    return value.split(" ")[0] if re.match(r"-?[0-9.]+ ", value) else value


def _table(name: str) -> Target:
    """The table of a quoted, qualified name."""
    parts = [quotedname.replace('""', '"') or plain for quotedname, plain in _NAME.findall(name)]
    schema, table = parts if len(parts) == 2 else (None, parts[-1])
    return Target("table", str(table), schema, str(table))
