"""Values at which statements go wrong: around their own constants, and at the edges of each type.

Values are texts that the type reads, or `Expression`s. NULL is not among them.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from wedding_dbopt.query import folded

_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{0,12})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.+-]{4,}", re.ASCII)
_INTERVAL = re.compile(r"(-?[0-9]{1,4}) *(second|minute|hour|day|week|month|year)s?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD = re.compile(r"[\w ]{1,30}")
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_LIMITS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}

#: Days and moments (UTC) at which clocks change, in zones where that is at midnight too.
CLOCK_CHANGES = (
    "2026-03-29 00:30:00+00", "2026-03-29 01:00:00+00", "2026-10-25 00:30:00+00", "2026-10-25 01:00:00+00",
    "2026-11-01 04:30:00+00", "2026-11-01 05:30:00+00", "2026-03-08 05:00:00+00",
)  # fmt: skip
ZONES = ("UTC", "Atlantic/Azores", "America/Havana", "Europe/Berlin", "Pacific/Kiritimati", "Asia/Kathmandu")

_DATES = ("2026-01-01", "2025-12-31", "2026-10-25", "2024-02-29", "1999-12-31")
_INTERVALS = ("1 day", "24 hours", "1 month", "0", "30 days", "-1 hour")
_TEXTS = ("", "a", "A", "a ", "b", "ab", "a%", "a_b", "10", "9", "ä", "true")
_FIXED = {
    "bool": ("true", "false"),
    "time": ("00:00", "12:00", "23:59:59.999999", "24:00"),
    "timetz": ("00:00+00", "12:00+02", "12:00+00"),
    "interval": _INTERVALS,
    "uuid": tuple(f"00000000-0000-0000-0000-00000000000{digit}" for digit in range(1, 9)),
    "bytea": ("\\x", "\\x00", "\\x6162"),
    "inet": ("10.0.0.1", "10.0.0.0/8", "::1"),
    "cidr": ("10.0.0.0/8", "10.0.0.0/16"),
    "macaddr": ("08:00:2b:01:02:03", "08:00:2b:01:02:04"),
    "int4range": ("empty", "[1,3)", "[2,5)", "(,2)"),
    "int8range": ("empty", "[1,3)", "[2,5)"),
    "numrange": ("empty", "[1,3)", "[1,3]"),
    "daterange": ("empty", "[2026-01-01,2026-02-01)", "[2026-01-15,)"),
    "tsrange": ("empty", "[2026-01-01,2026-02-01)", "[2026-01-15,)"),
    "tstzrange": ("empty", "[2026-01-01 00:00+00,2026-02-01 00:00+00)", "[2026-01-15 00:00+00,)"),
    "point": ("(0,0)", "(1,2)"),
    "oid": ("0", "1", "2"),
    "xml": ("<a/>", "<b>1</b>"),
}
_SPECIAL = {
    "date": ("infinity", "-infinity", "0001-01-01"),
    "timestamp": ("infinity", "-infinity", "0001-01-01 00:00:00"),
    "timestamptz": ("infinity", "-infinity", "0001-01-01 00:00:00+00"),
    "numeric": ("NaN",),
    "float4": ("NaN", "Infinity", "-Infinity", "-0"),
    "float8": ("NaN", "Infinity", "-Infinity", "-0"),
}


class Expression(str):
    """A value that is SQL of ours, not a text to be quoted."""

    __slots__ = ()


@dataclass
class Constants:
    """What the forms of a statement name: its strings and numbers, and whether they ask for the time."""

    strings: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    asks_now: bool = False
    by_column: dict[str, Constants] = field(default_factory=dict)

    @classmethod
    def of(cls, trees: Iterable[exp.Expr]) -> Constants:
        found = cls()
        for tree in trees:
            for node in tree.find_all(exp.Literal):
                found._add(str(node.this), node.is_string)
                test = node.find_ancestor(exp.Predicate, exp.Between, exp.In, exp.JSONExtractScalar)
                for column in test.find_all(exp.Column) if test is not None else ():
                    found.by_column.setdefault(folded(column.this), cls())._add(
                        str(node.this), node.is_string
                    )
            for key in tree.find_all(exp.JSONPathKey, exp.JSONPathSubscript):
                found._add(str(key.this), True)
                extraction = key.find_ancestor(exp.JSONExtract, exp.JSONExtractScalar)
                for column in extraction.find_all(exp.Column) if extraction is not None else ():
                    found.by_column.setdefault(folded(column.this), cls())._add(str(key.this), True)
            for interval in tree.find_all(exp.Interval):
                unit = interval.args.get("unit")
                if interval.this is not None and unit is not None:
                    found.strings.append(f"{interval.this.name} {unit.name.lower()}")
            found.asks_now |= tree.find(exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime) is not None
        return found

    def _add(self, text: str, is_string: bool) -> None:
        target = self.strings if is_string else self.numbers
        if text not in target:
            target.append(text)

    def matching(self, pattern: re.Pattern[str]) -> list[str]:
        return [text for text in (*self.strings, *self.numbers) if pattern.fullmatch(text)]


def edge_values(kind: str, labels: Sequence[str], constants: Constants, special: bool) -> list[str]:
    """Values of a type (its internal name), those near the constants first; empty for an unknown type.

    `special` adds infinities, NaN and the ends of the range, at which arithmetic may fail.
    """
    if labels:
        return sorted(labels, key=lambda label: label not in constants.strings)
    if kind.startswith("_"):
        return _arrays(edge_values(kind[1:], (), constants, special))
    found: list[str] = []
    if kind in _LIMITS:
        found = _integers(constants, _LIMITS[kind] if special else None)
    elif kind in ("numeric", "float4", "float8"):
        found = _numbers(constants)
    elif kind in ("text", "varchar", "bpchar", "citext", "name", "char"):
        found = _texts(constants)
    elif kind == "date":
        found = _days(constants)
    elif kind in ("timestamp", "timestamptz"):
        found = _moments(constants, kind == "timestamptz")
    elif kind in ("json", "jsonb"):
        found = _documents(constants)
    elif kind in ("tsvector", "tsquery"):
        words = [word for text in constants.strings for word in re.findall(r"[a-z]+", text.lower())][:4]
        found = list(dict.fromkeys([*words, "wedding", "a"]))
        found += [" ".join(found[:2])] if kind == "tsvector" else []
    elif kind == "interval":
        found = [*constants.matching(_INTERVAL), *_INTERVALS]
    elif kind == "uuid":
        found = [*constants.matching(_UUID), *_FIXED["uuid"]]
    else:
        found = list(_FIXED.get(kind, ()))
    if special:
        found += _SPECIAL.get(kind, ())
    return list(dict.fromkeys(found))


def _arrays(items: list[str]) -> list[str]:
    if not items or any(isinstance(item, Expression) for item in items):
        return ["{}"] if items else []
    quoted = [json.dumps(item, ensure_ascii=False) for item in items[:4]]
    second = quoted[-1]
    return [f"{{{quoted[0]}}}", f"{{{quoted[0]},{second}}}", f"{{{second},{quoted[0]}}}", f"{{{quoted[0]},{quoted[0]}}}",
            f"{{NULL,{quoted[0]}}}", "{NULL}", "{}", f"{{{second}}}"]  # fmt: skip


def _integers(constants: Constants, limit: int | None) -> list[str]:
    named = [int(text) for text in constants.matching(_INTEGER)]
    named += [int(float(text)) for text in constants.matching(_NUMBER)]
    near = [value + step for step in (0, 1, -1) for value in named]
    found = [*near, 0, 1, 2, 3, -1, 100]
    if limit is not None:
        found += [limit - 1, -limit]
    bound = limit or 2**15
    return [str(value) for value in found if -bound <= value < bound]


def _numbers(constants: Constants) -> list[str]:
    named = constants.matching(_NUMBER)
    near = [f"{float(text) + step:.2f}" for text in named if len(text) < 12 for step in (0.01, -0.01)]
    return [*named, *near, "0", "1", "1.0", "2.5", "-1"]


def _texts(constants: Constants) -> list[str]:
    exact = [*constants.strings, *constants.numbers]
    found = [text.replace("%", "") for text in exact if "%" in text]
    for text in exact:
        found += [text + "x", text.upper(), text.capitalize(), text[:-1]]
        found += [re.sub("[%_]", "z", text)]
    return [*exact, *found, *_TEXTS]


def _days(constants: Constants) -> list[str]:
    named = [text[:10] for text in (*constants.matching(_DAY), *constants.matching(_MOMENT))]
    steps = [0, 1, -1]
    for text in constants.matching(_INTERVAL):
        parts = _INTERVAL.fullmatch(text)
        size = int(parts[1]) * _DAYS.get(parts[2], 0) if parts else 0
        steps += [sign * size + step for sign in (-1, 1) for step in (0, 1, -1, 2)] if size else []
    found = [moved for step in steps for text in named if (moved := _moved(text, step))]
    found += _relative(constants, "date")
    for year in constants.matching(re.compile(r"(19|20)[0-9]{2}", re.ASCII)):
        found += [f"{year}-01-01", f"{year}-12-31", f"{int(year) + 1}-01-01"]
    return [*found, *_DATES]


def _moved(day: str, step: int) -> str | None:
    try:
        return (datetime.date.fromisoformat(day) + datetime.timedelta(days=step)).isoformat()
    except (ValueError, OverflowError):
        return None


def _moments(constants: Constants, zoned: bool) -> list[str]:
    suffix = "+00" if zoned else ""
    days = [day for day in _days(constants) if not isinstance(day, Expression)][:12]
    found = _relative(constants, "timestamptz" if zoned else "timestamp")
    found += constants.matching(_MOMENT)
    changes = [moment if zoned else moment[:19] for moment in CLOCK_CHANGES]
    found += [moment for moment in changes if moment[:10] in days[:6]]
    for day in days:
        found += [f"{day} 00:00:00{suffix}", f"{day} 23:59:59.999999{suffix}", f"{day} 12:00:00{suffix}"]
    return [*found, *changes]


def _relative(constants: Constants, kind: str) -> list[str]:
    """Moments around now, and around the intervals named before and after it."""
    if not constants.asks_now:
        return []
    found = ["pg_catalog.now()"]
    for text in constants.matching(_INTERVAL):
        for sign in "+-":
            moment = f"pg_catalog.now() {sign} '{text}'::interval"
            found += [moment, f"{moment} + '1 hour'::interval", f"{moment} - '1 hour'::interval"]
    return [Expression(f"({moment})::{kind}") for moment in found]


def _documents(constants: Constants) -> list[str]:
    named = [text for text in constants.strings if text[:1] in "{[" and _is_json(text)]
    words = [text for text in constants.strings if _WORD.fullmatch(text)][:5] or ["a", "b"]
    numbers = [text.rstrip(".") for text in constants.matching(_NUMBER)[:2]]
    values: list[object] = [*words, *(json.loads(text) for text in numbers if _is_json(text)), 5, True, None]
    documents: list[object] = []
    for key in words:
        documents += [{key: value} for value in values if value != key]
        documents += [[key], key, {key: [values[-4]]}, {key: {words[-1]: values[-4]}}, [{key: words[-1]}]]
    documents += [{key: {other: value}} for key in words for other in words for value in values[:3]]
    documents += [words, {}, [], None, 5, dict.fromkeys(words, words[-1])]
    return [*named, *(json.dumps(document, ensure_ascii=False) for document in documents)]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
