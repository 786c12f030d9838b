"""Random parts of statements over a schema: joins by foreign keys, conditions and subqueries."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from tests.bench.random_tests import COMPARISONS, INTEGERS, MOMENTS, TEXTS, Source, Table, Tests


class Conditions(Tests):
    """Makes conditions and FROM lists over tables; `chance` decides everything."""

    def __init__(self, tables: Mapping[str, Table], chance: random.Random) -> None:
        super().__init__(chance)
        self._tables = tables
        self._aliases = 0

    def _source(self, table: Table | None = None) -> Source:
        self._aliases += 1
        chosen = table or self._chance.choice(list(self._tables.values()))
        return Source(f"{chosen.name[0]}{self._aliases}", chosen)

    def _family(self, single: bool = False) -> tuple[Source, Source, str, str]:
        """A child, its parent, and the columns that join them; with `single` no child finds two parents."""
        kept = {
            name: [parent for parent in table.parents if parent.single or not single]
            for name, table in self._tables.items()
        }
        child = self._tables[self._chance.choice([name for name, parents in kept.items() if parents])]
        column, parent, key, _ = self._chance.choice(kept[child.name])
        return self._source(child), self._source(self._tables[parent]), column, key

    def _columns(self, source: Source, most: int = 3) -> list[str]:
        count = self._chance.randint(1, min(most, len(source.table.columns)))
        return [source.ref(column) for column in self._chance.sample(source.table.columns, count)]

    def _plain_columns(self, source: Source, most: int) -> list[str]:
        plain = [
            column for column in source.table.columns if column.type not in ("jsonb", "ARRAY", "tsvector")
        ]
        return [source.ref(column) for column in self._chance.sample(plain, min(most, len(plain)))]

    def _key(self, source: Source) -> list[str]:
        return [source.ref(name) for name in source.table.key]

    def _where(self, *sources: Source, depth: int = 2) -> str:
        return f" where {self._condition(sources, depth)}"

    def _condition(self, sources: Sequence[Source], depth: int = 2) -> str:
        roll = self._chance.random()
        if depth <= 0 or roll < 0.42:
            return self._test(self._chance.choice(sources))
        if roll < 0.62:
            return f"{self._condition(sources, depth - 1)} and {self._condition(sources, depth - 1)}"
        if roll < 0.72:
            return f"({self._condition(sources, depth - 1)} or {self._condition(sources, depth - 1)})"
        if roll < 0.79:
            return f"not ({self._condition(sources, depth - 1)})"
        if roll < 0.82:
            return f"({self._condition(sources, depth - 1)}) is {self._one(['true', 'not true', 'null', 'not false'])}"
        return self._subquery_test(self._chance.choice(sources))

    def _subquery_test(self, source: Source) -> str:
        children = [
            (table, column, key)
            for table in self._tables.values()
            for column, parent, key, _ in table.parents
            if parent == source.table.name
        ]
        if not children or self._likely(0.15):
            return self._own_table_test(source)
        table, column, key = self._chance.choice(children)
        child = self._source(table)
        correlated = f"{child.ref(column)} = {source.ref(key)}"
        extra = f" and {self._condition([child], 1)}" if self._likely(0.5) else ""
        counted = self._one(["*", "*", child.ref(column), child.ref(self._chance.choice(table.columns))])
        sign = self._one(["> 0", ">= 1", "<> 0", "= 0", "> 1", "< 1", "!= 0"])
        condition = self._where(child, depth=1) if self._likely(0.7) else ""
        either = f"({correlated} or {self._test(child)})"
        return self._one(
            [
                f"(select count({counted}) from {table.name} {child.alias} where {correlated}{extra}) {sign}",
                f"exists (select 1 from {table.name} {child.alias} where {correlated}{extra})",
                f"not exists (select 1 from {table.name} {child.alias} where {correlated}{extra})",
                f"exists (select 1 from {table.name} {child.alias} where {either})",
                f"exists (select from {table.name} {child.alias} where {correlated} "
                f"and ({self._test(child)} or {self._test(child)}))",
                f"{source.ref(key)} in (select {child.ref(column)} from {table.name} {child.alias}{condition})",
                f"{source.ref(key)} not in (select {child.ref(column)} from {table.name} {child.alias}{condition})",
                f"{source.ref(key)} not in (select {child.ref(column)} from {table.name} {child.alias} "
                f"where {child.ref(column)} is not null)",
                f"{source.ref(key)} = any (select {child.ref(column)} from {table.name} {child.alias}{condition})",
            ]
        )  # fmt: skip

    def _own_table_test(self, source: Source) -> str:
        other = self._source(source.table)
        name = other.table.name
        column = self._chance.choice(source.table.columns)
        numbers = source.table.of_type(*INTEGERS, "numeric", "date", *MOMENTS)
        tests = [
            f"{source.ref(source.table.key[0])} in (select {other.ref(source.table.key[0])} from {name} {other.alias}"
            f"{self._where(other, depth=1)})",
        ]
        if column.type not in ("jsonb", "ARRAY", "tsvector"):
            tests += [
                f"{source.ref(column)} in (select {other.ref(column)} from {name} {other.alias}{self._where(other, depth=1)})",
                f"{source.ref(column)} not in (select {other.ref(column)} from {name} {other.alias}"
                f"{self._where(other, depth=1)})",
            ]
        if numbers:
            number = self._chance.choice(numbers)
            link = self._chance.choice(
                [c for c in source.table.columns if c.type not in ("jsonb", "ARRAY", "tsvector")]
            )
            function = self._one(["max", "min"])
            tests += [
                f"{source.ref(number)} >= all (select {other.ref(number)} from {name} {other.alias}"
                f"{self._where(other, depth=1)})",
                f"{source.ref(number)} {self._one(COMPARISONS)} (select {function}({other.ref(number)}) "
                f"from {name} {other.alias} where {other.ref(link)} = {source.ref(link)})",
                f"({source.ref(link)}, {source.ref(number)}) in (select {other.ref(link)}, {function}({other.ref(number)}) "
                f"from {name} {other.alias} group by {other.ref(link)})",
            ]
        return self._one(tests)

    def _joined(self) -> tuple[str, list[Source]]:
        """A FROM list with up to three tables joined by foreign keys."""
        child, parent, column, key = self._family()
        roll = self._chance.random()
        if roll < 0.45:
            source = self._source()
            return f"{source.table.name} {source.alias}", [source]
        kind = self._one(["join", "join", "left join", "right join", "full join"])
        first, second = (child, parent) if self._likely(0.6) else (parent, child)
        extra = f" and {self._test(second)}" if self._likely(0.2) else ""
        text = (
            f"{first.table.name} {first.alias} {kind} {second.table.name} {second.alias} "
            f"on {child.ref(column)} = {parent.ref(key)}{extra}"
        )
        sources = [first, second]
        if self._likely(0.3) and parent.table.parents:
            link, grand, grand_key, _ = self._chance.choice(parent.table.parents)
            third = self._source(self._tables[grand])
            text += f" {self._one(['join', 'left join'])} {grand} {third.alias} on {parent.ref(link)} = {third.ref(grand_key)}"
            sources.append(third)
        return text, sources

    def _order(self, sources: Sequence[Source], total: bool) -> str:
        column = self._chance.choice(sources[0].table.columns)
        ref = sources[0].ref(column)
        first = self._one(
            [ref, f"{ref} desc", f"{ref} nulls first", f"{ref} desc nulls last", f"{ref} nulls last"]
        )
        if column.type in TEXTS and self._likely(0.3):
            first = f"coalesce({ref}, 'a')"
        elif column.type in INTEGERS and self._likely(0.3):
            first = f"coalesce({ref}, 0) desc"
        elif column.type in ("jsonb", "ARRAY", "tsvector"):
            first = self._key(sources[0])[0]
        keys = [key for source in sources for key in self._key(source)] if total else []
        return f" order by {', '.join([first, *keys])}"

    def _scalar(self, source: Source) -> str:
        """A scalar subquery in the list of columns."""
        children = [
            (table, column, key)
            for table in self._tables.values()
            for column, parent, key, _ in table.parents
            if parent == source.table.name
        ]
        if not children:
            return "1 as one"
        table, column, key = self._chance.choice(children)
        child = self._source(table)
        extra = f" and {self._condition([child], 1)}" if self._likely(0.4) else ""
        return f"({self._aggregate_of(child)} where {child.ref(column)} = {source.ref(key)}{extra}) as s{self._aliases}"

    def _aggregate_of(self, child: Source) -> str:
        numbers = child.table.of_type(*INTEGERS, "numeric")
        others = child.table.of_type("date", *MOMENTS, *TEXTS)
        choices = ["count(*)", f"count({child.ref(self._chance.choice(child.table.columns))})"]
        if numbers:
            ref = child.ref(self._chance.choice(numbers))
            choices += [
                f"sum({ref})",
                f"max({ref})",
                f"min({ref})",
                f"count(distinct {ref})",
                f"coalesce(sum({ref}), 0)",
                f"avg({ref})",
            ]
        if others:
            choices.append(f"max({child.ref(self._chance.choice(others))})")
        return f"select {self._one(choices)} from {child.table.name} {child.alias}"
