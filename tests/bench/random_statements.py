"""Random statements over a schema, from a grammar that aims at the shapes that rewrite rules look for.

Everything comes from the schema: columns by type, foreign keys, values that occur. The same seed gives the same
statements. A statement with LIMIT has a total order, so its rows are decided.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from tests.bench.random_tests import COMPARISONS, INTEGERS, MOMENTS, TEXTS, Source, Table, Tests


class Grammar(Tests):
    """Makes statements; `chance` decides everything."""

    def __init__(self, tables: Mapping[str, Table], chance: random.Random) -> None:
        super().__init__(chance)
        self._tables = tables
        self._aliases = 0

    def statement(self) -> str:
        """One SELECT."""
        self._aliases = 0
        forms: list[tuple[int, Callable[[], str]]] = [
            (40, self._select), (6, self._aggregates), (6, self._set_operation), (5, self._with),
            (5, self._numbered), (5, self._grouped_join), (4, self._distinct_join), (4, self._keyset),
            (4, self._counts), (3, self._ordered_inside), (4, self._limited_join), (4, self._fan_out),
            (4, self._union_of_ranges), (4, self._latest), (3, self._exists_query), (3, self._self_join),
            (3, self._low_cardinality), (3, self._deep_offset), (4, self._scalars), (3, self._group_by_key),
        ]  # fmt: skip
        return self._chance.choices([form for _, form in forms], [weight for weight, _ in forms])[0]()

    # ------------------------------------------------------------------ pieces

    def _source(self, table: Table | None = None) -> Source:
        self._aliases += 1
        chosen = table or self._chance.choice(list(self._tables.values()))
        return Source(f"{chosen.name[0]}{self._aliases}", chosen)

    def _family(self) -> tuple[Source, Source, str, str]:
        """A child, its parent, and the columns that join them."""
        children = [table for table in self._tables.values() if table.parents]
        child = self._chance.choice(children)
        column, parent, key = self._chance.choice(child.parents)
        return self._source(child), self._source(self._tables[parent]), column, key

    def _columns(self, source: Source, most: int = 3) -> list[str]:
        count = self._chance.randint(1, min(most, len(source.table.columns)))
        return [source.ref(column) for column in self._chance.sample(source.table.columns, count)]

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

    # ------------------------------------------------------------------ tests with subqueries

    def _subquery_test(self, source: Source) -> str:
        children = [
            (table, column, key)
            for table in self._tables.values()
            for column, parent, key in table.parents
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

    # ------------------------------------------------------------------ whole statements

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
            link, grand, grand_key = self._chance.choice(parent.table.parents)
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

    def _select(self) -> str:
        text, sources = self._joined()
        items = [item for source in sources for item in self._columns(source, 2)]
        if self._likely(0.3):
            items += self._key(sources[0])
        if self._likely(0.15):
            items.append(self._scalar(sources[0]))
        where = self._where(*sources) if self._likely(0.93) else ""
        distinct = "distinct " if self._likely(0.15) else ""
        if distinct:
            return f"select distinct {', '.join(items)} from {text}{where}"
        limited = self._likely(0.2)
        order = self._order(sources, limited) if limited or self._likely(0.2) else ""
        limit = f" limit {self._chance.randint(0, 6)}" if limited else ""
        return f"select {', '.join(items)} from {text}{where}{order}{limit}"

    def _scalar(self, source: Source) -> str:
        """A scalar subquery in the list of columns."""
        children = [
            (table, column, key)
            for table in self._tables.values()
            for column, parent, key in table.parents
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

    def _scalars(self) -> str:
        _, parent, _, _ = self._family()
        scalars = [self._scalar(parent) for _ in range(self._chance.randint(1, 3))]
        if self._likely(0.3):
            scalars.append(scalars[0].rsplit(" as ", 1)[0] + " as again")
        where = self._where(parent, depth=1) if self._likely(0.6) else ""
        return f"select {', '.join([*self._key(parent), *scalars])} from {parent.table.name} {parent.alias}{where}"

    def _aggregates(self) -> str:
        text, sources = self._joined()
        where = self._where(*sources)
        return self._one(
            [
                f"select count(*) > 0 from {text}{where}", f"select count(*) as n from {text}{where}",
                f"select count(*) >= 1 as found, count(*) from {text}{where}",
                f"select count(distinct {self._columns(sources[0], 1)[0]}) from {text}{where}",
                f"select count(*) filter (where {self._test(sources[0])}) as a, count(*) as b from {text}{where}",
                f"select 1 where (select count(*) from {text}{where}) > 0",
            ]
        )  # fmt: skip

    def _group_by_key(self) -> str:
        child, parent, column, key = self._family()
        keys = self._key(parent)
        grouped = [*keys, *self._plain_columns(parent, 2)]
        return (
            f"select {', '.join(grouped)}, count(*) as n from {parent.table.name} {parent.alias} "
            f"join {child.table.name} {child.alias} on {child.ref(column)} = {parent.ref(key)}"
            f"{self._where(parent, child, depth=1)} group by {', '.join(dict.fromkeys(grouped))}"
            + (f" having count(*) {self._one(['> 1', '>= 1', '= 2'])}" if self._likely(0.4) else "")
        )

    def _plain_columns(self, source: Source, most: int) -> list[str]:
        plain = [
            column for column in source.table.columns if column.type not in ("jsonb", "ARRAY", "tsvector")
        ]
        return [source.ref(column) for column in self._chance.sample(plain, min(most, len(plain)))]

    def _branch(self, table: Table, names: Sequence[str]) -> str:
        source = self._source(table)
        listed = ", ".join(source.ref(name) for name in names)
        return f"select {listed} from {table.name} {source.alias}{self._where(source, depth=1)}"

    def _names(self, table: Table) -> list[str]:
        names = [column.name for column in table.columns if column.type not in ("jsonb", "tsvector")]
        chosen = self._chance.sample(names, min(2, len(names)))
        return list(dict.fromkeys([*table.key, *chosen])) if self._likely(0.5) else chosen

    def _set_operation(self) -> str:
        table = self._source().table
        names = self._names(table)
        word = self._one(["union", "union all", "intersect", "except", "union"])
        text = f"{self._branch(table, names)} {word} {self._branch(table, names)}"
        if self._likely(0.2):
            text = f"select count(*) as n from ({text}) s"
        return text

    def _union_of_ranges(self) -> str:
        table = self._source().table
        names = self._names(table)
        column = self._chance.choice(
            [c for c in table.columns if c.type not in ("jsonb", "ARRAY", "tsvector")]
        )
        first, second = self._value(column), self._value(column)
        signs = self._one(["= =", "< >=", "= <>", "> <"]).split()
        return (
            f"select {', '.join(names)} from {table.name} where {column.name} {signs[0]} {first} "
            f"union select {', '.join(names)} from {table.name} where {column.name} {signs[1]} {second}"
        )

    def _with(self) -> str:
        child, parent, column, key = self._family()
        fence = self._one(["", "", "materialized ", "not materialized "])
        inner = f"select * from {child.table.name} {child.alias}{self._where(child, depth=1) if self._likely(0.5) else ''}"
        name = self._chance.choice(child.table.columns).name
        outer = self._source(Table("x", child.table.columns, child.table.key, ()))
        again = (
            f" join x y on y.{child.table.key[0]} = {outer.alias}.{child.table.key[0]}"
            if self._likely(0.4)
            else ""
        )
        joined = (
            f" join {parent.table.name} {parent.alias} on {outer.alias}.{column} = {parent.ref(key)}"
            if self._likely(0.4)
            else ""
        )
        return (
            f"with x as {fence}({inner}) select {outer.alias}.{name}, {outer.alias}.{child.table.key[0]} "
            f"from x {outer.alias}{again}{joined}{self._where(outer, depth=1)}"
        )

    def _numbered(self) -> str:
        table = self._source().table
        source = self._source(table)
        by = self._plain_columns(source, 1)[0]
        order = [*self._plain_columns(source, 1), *self._key(source)]
        total = self._one(["row_number", "row_number", "rank", "dense_rank"])
        direction = self._one(["", " desc", " desc nulls last"])
        by_name = by.split(".")[1]
        column = next(column for column in table.columns if column.name == by_name)
        extra = f" and s.{by_name} = {self._value(column)}" if self._likely(0.5) else ""
        return (
            f"select s.{by_name}, s.{table.key[0]} from (select {source.alias}.*, {total}() over (partition by {by} "
            f"order by {order[0]}{direction}, {', '.join(order[1:])}) as rn from {table.name} {source.alias}) s "
            f"where s.rn {self._one(['= 1', '<= 2', '= 1'])}{extra}"
        )

    def _grouped_join(self) -> str:
        child, parent, column, key = self._family()
        inner = self._source(child.table)
        aggregate = self._aggregate_of(inner).removeprefix("select ").split(" from ")[0]
        kind = self._one(["join", "left join"])
        having = f" having count(*) {self._one(['> 1', '> 0'])}" if self._likely(0.2) else ""
        where = self._where(inner, depth=1) if self._likely(0.4) else ""
        return (
            f"select {', '.join(self._key(parent))}, g.v from {parent.table.name} {parent.alias} {kind} "
            f"(select {inner.ref(column)} as k, {aggregate} as v from {child.table.name} {inner.alias}{where} "
            f"group by {inner.ref(column)}{having}) g on g.k = {parent.ref(key)}{self._where(parent, depth=1)}"
        )

    def _distinct_join(self) -> str:
        child, parent, column, key = self._family()
        inner = self._source(child.table)
        kind = self._one(["join", "left join", "join"])
        return (
            f"select {', '.join(self._columns(parent, 2))} from {parent.table.name} {parent.alias} {kind} "
            f"(select distinct {inner.ref(column)} as k from {child.table.name} {inner.alias}{self._where(inner, depth=1)}) d "
            f"on d.k = {parent.ref(key)}{self._where(parent, depth=1)}"
        )

    def _keyset(self) -> str:
        source = self._source()
        column = self._chance.choice(
            [c for c in source.table.columns if c.type not in ("jsonb", "ARRAY", "tsvector")]
        )
        key = source.table.key[0]
        first, last = self._value(column), self._value(next(c for c in source.table.columns if c.name == key))
        sign = self._one(["<", ">"])
        other = sign if self._likely(0.8) else self._one(["<", ">"])
        direction = " desc" if sign == "<" else ""
        condition = self._one(
            [
                f"{source.ref(column)} {sign} {first} or ({source.ref(column)} = {first} and {source.ref(key)} {other} {last})",
                f"({source.ref(column)}, {source.ref(key)}) {sign} ({first}, {last})",
            ]
        )
        return (
            f"select {source.ref(key)}, {source.ref(column)} from {source.table.name} {source.alias} where ({condition}) "
            f"order by {source.ref(column)}{direction}, {source.ref(key)}{direction} limit {self._chance.randint(1, 6)}"
        )

    def _counts(self) -> str:
        table = self._source().table
        scalars = []
        for number in range(self._chance.randint(2, 3)):
            source = self._source(table)
            scalars.append(f"({self._aggregate_of(source)}{self._where(source, depth=1)}) as c{number}")
        return f"select {', '.join(scalars)}"

    def _ordered_inside(self) -> str:
        text, sources = self._joined()
        column = self._columns(sources[0], 1)[0]
        inner = (
            f"select {column} as v from {text}{self._where(*sources, depth=1)}{self._order(sources, True)}"
        )
        limit = f" limit {self._chance.randint(1, 5)}" if self._likely(0.3) else ""
        return f"select {self._one(['count(*)', 'count(v)', 'array_agg(v)', 'max(v::text)'])} as r from ({inner}{limit}) s"

    def _limited_join(self) -> str:
        child, parent, column, key = self._family()
        kind = self._one(["left join", "left join", "join"])
        return (
            f"select {', '.join([*self._key(child), *self._columns(parent, 2)])} from {child.table.name} {child.alias} "
            f"{kind} {parent.table.name} {parent.alias} on {child.ref(column)} = {parent.ref(key)}"
            f"{self._where(child, depth=1) if self._likely(0.5) else ''}{self._order([child], True)} "
            f"limit {self._chance.randint(1, 6)}"
        )

    def _fan_out(self) -> str:
        child, parent, column, key = self._family()
        join = (
            f"{parent.table.name} {parent.alias} join {child.table.name} {child.alias} "
            f"on {child.ref(column)} = {parent.ref(key)}"
        )
        where = self._where(parent, child, depth=1)
        kept = [*self._key(parent), *self._plain_columns(parent, 1)]
        return self._one(
            [
                f"select distinct {', '.join(kept)} from {join}{where}",
                f"select count(distinct {parent.ref(parent.table.key[0])}) as n from {join}{where}",
                f"select distinct {', '.join(self._plain_columns(parent, 2))} from {join}{where}",
                f"select {child.ref(child.table.key[0])} from {join}{self._where(child, depth=1)}",
            ]
        )

    def _latest(self) -> str:
        """The greatest of each group."""
        child, parent, column, key = self._family()
        source = self._source(child.table)
        ordered = [
            c for c in child.table.columns if c.type in ("date", *MOMENTS, *INTEGERS, "numeric")
        ] or list(child.table.columns)
        value = self._chance.choice(ordered).name
        return self._one(
            [
                f"select {source.ref(column)}, max({source.ref(value)}) as m from {child.table.name} {source.alias} "
                f"group by {source.ref(column)}",
                f"select distinct on ({source.ref(column)}) {source.ref(column)}, {', '.join(self._key(source))} "
                f"from {child.table.name} {source.alias} order by {source.ref(column)}, {source.ref(value)} desc, "
                f"{', '.join(self._key(source))}",
                f"select {parent.ref(key)}, l.v from {parent.table.name} {parent.alias} cross join lateral "
                f"(select {source.ref(value)} as v from {child.table.name} {source.alias} "
                f"where {source.ref(column)} = {parent.ref(key)} order by {source.ref(value)} desc, "
                f"{', '.join(self._key(source))} limit 1) l",
            ]
        )

    def _exists_query(self) -> str:
        text, sources = self._joined()
        where = self._where(*sources)
        return self._one(
            [
                f"select exists (select 1 from {text}{where}) as e",
                f"select case when (select count(*) from {text}{where}) > 0 then 'yes' else 'no' end as e",
                f"select (select count(*) from {text}{where}) = 0 as none",
            ]
        )

    def _self_join(self) -> str:
        first = self._source()
        second = self._source(first.table)
        column = self._one([first.table.key[0], self._chance.choice(first.table.columns).name])
        if next(c for c in first.table.columns if c.name == column).type in ("jsonb", "ARRAY", "tsvector"):
            column = first.table.key[0]
        return (
            f"select {', '.join([*self._columns(first, 2), *self._columns(second, 1)])} from {first.table.name} {first.alias} "
            f"{self._one(['join', 'join', 'left join'])} {second.table.name} {second.alias} "
            f"on {first.ref(column)} = {second.ref(column)}{self._where(first, second, depth=1)}"
        )

    def _low_cardinality(self) -> str:
        child, _, column, _ = self._family()
        where = self._where(child, depth=1) if self._likely(0.3) else ""
        return f"select distinct {child.ref(column)} from {child.table.name} {child.alias}{where}"

    def _deep_offset(self) -> str:
        source = self._source()
        columns = [*self._key(source), *self._columns(source, 2)]
        where = self._where(source, depth=1) if self._likely(0.3) else ""
        return (
            f"select {', '.join(columns)} from {source.table.name} {source.alias}{where}{self._order([source], True)} "
            f"limit {self._chance.randint(1, 5)} offset {self._chance.randint(1, 8)}"
        )
