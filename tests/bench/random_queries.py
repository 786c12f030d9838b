"""Random SELECT statements over a schema, in the shapes that rewrite rules look for."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.random_conditions import Conditions
from tests.bench.random_tests import INTEGERS, MOMENTS, Table


class Queries(Conditions):
    """Makes SELECT statements. A form whose outer ORDER BY decides every row's place sets `_ordered`."""

    _ordered = False

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
        self._ordered = limited or self._likely(0.1)
        order = self._order(sources, self._ordered) if self._ordered or self._likely(0.1) else ""
        limit = f" limit {self._chance.randint(0, 6)}" if limited else ""
        return f"select {', '.join(items)} from {text}{where}{order}{limit}"

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
        key, *rest = source.table.key
        self._ordered = True
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
            f"order by {source.ref(column)}{direction}, {source.ref(key)}{direction}"
            f"{''.join(f', {source.ref(name)}' for name in rest)} limit {self._chance.randint(1, 6)}"
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
        child, parent, column, key = self._family(single=True)
        self._ordered = True
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
        self._ordered = True
        columns = [*self._key(source), *self._columns(source, 2)]
        where = self._where(source, depth=1) if self._likely(0.3) else ""
        return (
            f"select {', '.join(columns)} from {source.table.name} {source.alias}{where}{self._order([source], True)} "
            f"limit {self._chance.randint(1, 5)} offset {self._chance.randint(1, 8)}"
        )
