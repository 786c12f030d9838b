"""Random tests of one column, by its type, in the shapes that rewrite rules look for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

INTEGERS = ("integer", "bigint", "smallint")
TEXTS = ("text", "character varying", "character")
MOMENTS = ("timestamp with time zone", "timestamp without time zone")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Column:
    """A column; `type` is its type without length, "enum" for an enum; `values` are texts that occur.

    `searchable` is False under a collation that LIKE and position() refuse.
    """

    name: str
    type: str
    nullable: bool
    values: tuple[str, ...]
    searchable: bool = True


class Parent(NamedTuple):
    """A foreign key of one column; `single` tells that a row surely finds one parent: both columns have one collation."""

    column: str
    table: str
    key: str
    single: bool = True


@dataclass(frozen=True)
class Table:
    """A table with its primary key and its foreign keys; `generated` are the columns that nobody may write."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    parents: tuple[Parent, ...]
    generated: tuple[str, ...] = ()

    def of_type(self, *types: str) -> list[Column]:
        return [column for column in self.columns if column.type in types]


@dataclass(frozen=True)
class Source:
    """A table under an alias."""

    alias: str
    table: Table

    def ref(self, column: Column | str) -> str:
        return f"{self.alias}.{column if isinstance(column, str) else column.name}"


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


class Tests:
    """Makes tests; `chance` decides everything."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def _one(self, items: Sequence[str]) -> str:
        return self._chance.choice(items)

    def _likely(self, share: float) -> bool:
        return self._chance.random() < share

    def _value(self, column: Column) -> str:
        value = self._one(column.values) if column.values else "a"
        if column.type in (*INTEGERS, "numeric") and value not in ("NaN", "Infinity") and self._likely(0.7):
            return value
        return quoted(value)

    def _test(self, source: Source) -> str:
        column = self._chance.choice(source.table.columns)
        ref = source.ref(column)
        if self._likely(0.05):
            return f"{ref} is {self._one(['null', 'not null'])}"
        tests = {
            **dict.fromkeys(TEXTS, self._text_test),
            **dict.fromkeys(INTEGERS, self._integer_test),
            **dict.fromkeys(MOMENTS, self._moment_test),
            "numeric": self._number_test,
            "boolean": self._boolean_test,
            "date": self._date_test,
            "jsonb": self._json_test,
            "ARRAY": self._array_test,
            "tsvector": self._search_test,
        }
        return tests.get(column.type, self._plain_test)(ref, column)

    def _plain_test(self, ref: str, column: Column) -> str:
        value, other = self._value(column), self._value(column)
        return self._one(
            [
                f"{ref} = {value}", f"{ref} <> {value}", f"{ref} in ({value}, {other})",
                f"{ref} = {value} or {ref} = {other} or {ref} = {self._value(column)}",
                f"{ref}::text = {quoted(self._one(column.values or ('a',)))}", f"{ref} is not distinct from {value}",
                f"{ref} is distinct from {value}", f"{ref} > {value}", f"case when {ref} = {value} then true else false end",
                f"case when {ref} = {value} then true end",
                f"{ref} = any (array[{value}, {other}]::{self._array_type(column)}[])",
            ]
        )  # fmt: skip

    def _array_type(self, column: Column) -> str:
        return "text" if column.type == "enum" else column.type

    def _text_test(self, ref: str, column: Column) -> str:
        test = self._any_text_test(ref, column)
        while not column.searchable and (" like " in test or "position(" in test):
            test = self._any_text_test(ref, column)
        return test

    def _any_text_test(self, ref: str, column: Column) -> str:
        text = self._one(column.values or ("a",))
        value, other = quoted(text), quoted(self._one(column.values or ("b",)))
        size = self._chance.randint(0, 4)
        return self._one(
            [
                f"{ref} = {value}", f"{ref} like {quoted(text[:2] + '%')}", f"left({ref}, {size}) = {quoted(text[:size])}",
                f"substring({ref} from 1 for {size}) = {quoted(text[:size])}",
                f"substr({ref}, 1, {size}) = {quoted(text[:size])}",
                f"lower({ref}) = lower({value})", f"coalesce({ref}, {other}) = {value}", f"coalesce({ref}, '') <> {value}",
                f"coalesce({ref}, {value}) = {value}", f"nullif({ref}, '') = {value}", f"nullif({ref}, {value}) = {value}",
                f"nullif({ref}, {other}) is null", f"{ref} is not distinct from {value}", f"{ref} || 'x' = {quoted(text + 'x')}",
                f"{ref} in ({value}, {other})", f"{ref} = {value} or {ref} = {other} or {ref} = ''",
                f"{ref} not in ({value}, {other})", f"case when {ref} = {value} then true else false end",
                f"case when {ref} is null then false else {ref} <> {value} end", f"position({value} in {ref}) = 1",
            ]
        )  # fmt: skip

    def _integer_test(self, ref: str, column: Column) -> str:
        value = self._one(column.values or ("1",))
        size = self._one(["2", "3", "10", "100"])
        sign = self._one(COMPARISONS)
        return self._one(
            [
                f"{ref} {sign} {value}", f"{ref} {sign} {value}.0", f"{ref} {sign} {value}.5", f"{ref}::text = {quoted(value)}",
                f"{ref}::varchar = {quoted('0' + value)}", f"{ref} / {size} {sign} {self._chance.randint(-1, 3)}",
                f"coalesce({ref}, {self._chance.randint(-1, 3)}) {sign} {value}", f"{ref} + {size} {sign} {value}",
                f"{ref} * 2 {sign} {value}", f"{ref} between {value} and {value}.0", f"{ref} is not distinct from {value}",
                f"{ref} in ({value}, 1, 2)", f"{ref} = {value} or {ref} = 1 or {ref} = 2 or {ref} = 3",
                f"{ref} = any (array[{value}, 1, null])", f"{ref} <> all (array[{value}, 1])", f"{value} {sign} {ref}",
                f"nullif({ref}, 0) {sign} {value}", f"mod({ref}, 2) = 0",
                f"case when {ref} {sign} {value} then true else false end",
                f"{ref} not in ({value}, 1)", f"abs({ref}) = {value.lstrip('-')}",
            ]
        )  # fmt: skip

    def _number_test(self, ref: str, column: Column) -> str:
        value = self._value(column)
        sign = self._one(COMPARISONS)
        return self._one(
            [
                f"{ref} {sign} {value}", f"coalesce({ref}, 0) {sign} {value}", f"coalesce({ref}, 7) {sign} 3",
                f"{ref} is not distinct from {value}", f"{ref} in ({value}, 1)", f"nullif({ref}, 0) {sign} {value}",
                f"round({ref}) {sign} 3", f"{ref} between 0 and {value}", f"{ref} * 2 {sign} 10",
            ]
        )  # fmt: skip

    def _boolean_test(self, ref: str, column: Column) -> str:
        return self._one(
            [
                ref, f"not {ref}", f"{ref} = true", f"{ref} = false", f"coalesce({ref}, false)", f"coalesce({ref}, true) = false",
                f"{ref} is true", f"{ref} is not true", f"{ref} <> true", f"{ref} is not distinct from true",
                f"case when {ref} then true else false end = true", f"case when {ref} then false else true end",
            ]
        )  # fmt: skip

    def _date_test(self, ref: str, column: Column) -> str:
        value, other = (quoted(self._one(column.values or ("2026-05-01",))) for _ in range(2))
        sign = self._one(COMPARISONS)
        return self._one(
            [
                f"{ref} {sign} {value}", f"{ref} between {value} and {other}", f"{ref} + interval '1 month' {sign} {value}",
                f"{ref} + 30 {sign} date {value}", f"{ref} - interval '10 days' {sign} {value}", *self._calendar_tests(ref, sign),
                f"coalesce({ref}, date '2026-01-01') = {value}", f"{ref}::timestamp {sign} {value}",
                f"{ref} is not distinct from date {value}", f"{ref} - date {value} {sign} 10",
            ]
        )  # fmt: skip

    def _calendar_tests(self, ref: str, sign: str) -> list[str]:
        year = self._one(["2026", "2025", "2024", "2027"])
        month = self._one(["1", "5", "10", "11", "12"])
        return [
            f"extract(year from {ref}) {sign} {year}", f"date_part('year', {ref}) = {year}",
            f"extract(year from {ref}) = {year} and extract(month from {ref}) = {month}",
            f"extract(month from {ref}) = {month}", f"date_trunc('month', {ref}) {sign} '{year}-{month.zfill(2)}-01'",
            f"date_trunc('day', {ref}) = '{year}-10-25'", f"date_trunc('year', {ref}) = '{year}-01-01'",
            f"date_trunc('month', {ref}) = '{year}-05-02'", f"date_trunc('week', {ref}) {sign} '2026-05-04'",
            f"to_char({ref}, 'YYYY-MM') = '{year}-{month.zfill(2)}'", f"to_char({ref}, 'YYYY') = '{year}'",
            f"to_char({ref}, 'YYYY-MM-DD') {sign} '{year}-10-25'", f"to_char({ref}, 'YYYY-MM') between '2025-11' and '{year}-05'",
        ]  # fmt: skip

    def _moment_test(self, ref: str, column: Column) -> str:
        moment = self._one(column.values or ("2026-05-01 12:00:00",))
        value, day = (
            quoted(moment),
            quoted(self._one(["2026-10-25", "2026-11-01", "2026-05-02", "2026-03-29", moment[:10]])),
        )
        if "infinity" in day or "BC" in moment:
            day = "'2026-05-02'"
        sign = self._one(COMPARISONS)
        zone = self._one(["UTC", "Europe/Berlin", "America/Havana", "Atlantic/Azores"])
        span = self._one(["5 days", "12 hours", "1 month", "30 days 2 hours", "90 minutes", "-3 days"])
        return self._one(
            [
                f"{ref} {sign} {value}", f"date({ref}) {sign} {day}", f"{ref}::date {sign} {day}", f"{ref}::date = date {day}",
                f"cast({ref} as date) between {day} and '2026-11-02'", f"{ref}::date in ({day}, '2026-05-02')",
                *self._calendar_tests(ref, sign),
                f"extract(epoch from {ref}) {sign} {self._chance.randint(1761350400, 1793000000)}",
                f"now() - {ref} < interval '{span}'", f"now() - {ref} {sign} interval '{span}'",
                f"{ref} > now() - interval '{span}'",
                f"{ref} + interval '{span}' {sign} {value}", f"{ref} - interval '{span}' {sign} {value}",
                f"{ref} at time zone '{zone}' {sign} '2026-10-25 00:30'", f"coalesce({ref}, {value}) {sign} {day}",
                f"({ref} at time zone '{zone}')::date = {day}", f"age({ref}) > interval '{span}'",
            ]
        )  # fmt: skip

    def _json_test(self, ref: str, column: Column) -> str:
        key, inner = self._one(["a", "k", "b", "seats", "0"]), self._one(["a", "b", "k"])
        value = self._one(["a", "x", "5", "5.0", "true", "null", "", "{}", "k", "b"])
        return self._one(
            [
                f"{ref} ->> '{key}' = '{value}'", f"{ref} -> '{key}' ->> '{inner}' = '{value}'",
                f"{ref} ->> '{key}' <> '{value}'",
                f"({ref} ->> '{key}') is null", f"{ref} @> '{{\"{key}\": \"{value}\"}}'", f"{ref} ? '{key}'",
                f"{ref} #>> '{{{key},{inner}}}' = '{value}'", f"coalesce({ref} ->> '{key}', '') = '{value}'",
                f"{ref} ->> '{key}' in ('{value}', 'b')", f"{ref} -> '{key}' = '\"{inner}\"'",
                f"jsonb_typeof({ref}) = '{self._one(['object', 'array', 'null'])}'",
            ]
        )  # fmt: skip

    def _array_test(self, ref: str, column: Column) -> str:
        value = "3" if "number" in ref else quoted(self._one(["a", "b", "x"]))
        return self._one(
            [
                f"{value} = any ({ref})", f"not ({value} = any ({ref}))", f"array_position({ref}, {value}) is not null",
                f"{ref} @> array[{value}]", f"{value} <> all ({ref})", f"array_length({ref}, 1) = 2",
                f"{value} = any ({ref}) is not true", f"cardinality({ref}) > 1",
            ]
        )  # fmt: skip

    def _search_test(self, ref: str, column: Column) -> str:
        alias = ref.split(".")[0]
        word = self._one(["a", "wedding", "hall", "x"])
        return self._one(
            [
                f"{ref} @@ to_tsquery('english', '{word}')",
                f"to_tsvector('english', {alias}.body) @@ to_tsquery('english', '{word}')",
                f"to_tsvector('english', coalesce({alias}.body, '')) @@ plainto_tsquery('english', '{word}')",
            ]
        )
