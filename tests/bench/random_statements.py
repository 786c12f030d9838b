"""Random statements over a schema, from a grammar that aims at the shapes that rewrite rules look for.

Everything comes from the schema: columns by type, foreign keys, values that occur. The same seed gives the same
statements. Wherever LIMIT or DISTINCT ON chooses rows, the order is total, so the rows are decided.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tests.bench.random_queries import Queries
from tests.bench.random_tests import INTEGERS, Source, Table

#: A constant that a parameter can stand for; what a word before it makes a literal of a type cannot.
_CONSTANT = re.compile(
    r"(?P<typed>\b(?:interval|date|timestamp)\s+)?(?P<value>'(?:[^']|'')*'|(?<![\w.$])\d+(?:\.\d+)?(?![\w.]))"
)
_DAY = re.compile(r"'\d{4}-\d\d-\d\d")
_STRING = re.compile(r"('(?:[^']|'')*')")
_ALIAS = re.compile(r"\b[a-z]\d+\b")
_PARAMETERS = 0.2
_SLOPPY = 0.12
_SETS = 3


@dataclass(frozen=True)
class Statement:
    """A statement of the grammar.

    `ordered` tells that its outer ORDER BY decides every row's place. `types` are those that PREPARE is told for its
    parameters, `values` some sets of constants for them. `written` is the table that it changes.
    """

    text: str
    ordered: bool = False
    types: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ()
    written: str | None = None


class Grammar(Queries):
    """Makes statements; `chance` decides everything. `schema` is that of the tables."""

    def __init__(self, tables: Mapping[str, Table], chance: random.Random, schema: str) -> None:
        super().__init__(tables, chance)
        self._schema = schema

    def statement(self) -> Statement:
        """One statement, most often a SELECT, sometimes with parameters."""
        self._aliases = 0
        self._ordered = False
        if self._likely(0.04):
            made = self._change()
        else:
            made = Statement(self._query(), self._ordered)
        if self._likely(_SLOPPY):
            made = replace(made, text=self._with_sloppy_names(made.text))
        return self._with_parameters(made) if self._likely(_PARAMETERS) else made

    def _with_sloppy_names(self, text: str) -> str:
        """Let one alias hide another, leave one away before its columns, or write schema and table in its place.

        The server may refuse what comes out.
        """
        parts = _STRING.split(text)
        names = sorted({name for code in parts[::2] for name in _ALIAS.findall(code)})
        if len(names) < 2:
            return text
        hidden, name = self._chance.sample(names, 2)
        table = re.search(rf"\b(\w+) {hidden}\b", " ".join(parts[::2]))
        if table is not None and table[1] in self._tables and self._likely(0.4):
            whole = f'"{self._schema}"."{table[1]}"'
            parts[::2] = [code.replace(table[0], whole) for code in parts[::2]]
            parts[::2] = [re.sub(rf"\b{hidden}\.", f"{whole}.", code) for code in parts[::2]]
        elif self._likely(0.5):
            parts[::2] = [re.sub(rf"\b{hidden}\b", name, code) for code in parts[::2]]
        else:
            parts[::2] = [re.sub(rf"\b{hidden}\.", "", code) for code in parts[::2]]
        return "".join(parts)

    def _query(self) -> str:
        forms: list[tuple[int, Callable[[], str]]] = [
            (40, self._select), (6, self._aggregates), (6, self._set_operation), (5, self._with),
            (5, self._numbered), (5, self._grouped_join), (4, self._distinct_join), (4, self._keyset),
            (4, self._counts), (3, self._ordered_inside), (4, self._limited_join), (4, self._fan_out),
            (4, self._union_of_ranges), (4, self._latest), (3, self._exists_query), (3, self._self_join),
            (3, self._low_cardinality), (3, self._deep_offset), (4, self._scalars), (3, self._group_by_key),
            (3, self._distinct_on), (5, self._sets_of_rows), (2, self._recursive),
        ]  # fmt: skip
        return self._chance.choices([form for _, form in forms], [weight for weight, _ in forms])[0]()

    # ------------------------------------------------------------------ parameters

    def _with_parameters(self, made: Statement) -> Statement:
        """Put parameters in the place of some constants; the same constant may become one parameter twice."""
        types: list[str] = []
        values: list[str] = []

        def parameter(found: re.Match[str]) -> str:
            value = found["value"]
            if found["typed"] or self._likely(0.4) or (len(value) > 2 and value.startswith("'{")):
                return found[0]
            if value in values and self._likely(0.7):
                return f"${values.index(value) + 1}"
            kinds = ["text", "varchar"] if value.startswith("'") else ["integer", "bigint", "numeric"]
            if _DAY.match(value):
                kinds = ["date", "timestamp", "timestamptz", "text"]
            types.append("unknown" if self._likely(0.75) else self._one(kinds))
            values.append(value)
            return f"${len(values)}"

        text = _CONSTANT.sub(parameter, made.text)
        if not values:
            return made
        return Statement(text, made.ordered, tuple(types), self._sets(values), made.written)

    def _sets(self, values: list[str]) -> tuple[tuple[str, ...], ...]:
        """The constants that were there, then some changed to another of their kind or to NULL."""
        found = [tuple(values)]
        while len(found) < _SETS:
            place = self._chance.randrange(len(values))
            like = [value for value in values if value.startswith("'") == values[place].startswith("'")]
            other = self._one([*like, "null", "null"])
            found.append((*values[:place], other, *values[place + 1 :]))
        return tuple(found)

    # ------------------------------------------------------------------ statements that write

    def _change(self) -> Statement:
        child, parent, column, key = self._family(single=True)
        name, where = child.table.name, self._where(child, depth=2)
        writable = [found for found in child.table.columns if found.name not in child.table.generated]
        changed = self._chance.choice(writable)
        shown = ", ".join(found.name for found in writable)
        value = "null" if changed.nullable and self._likely(0.3) else self._value(changed)
        update = f"update {name} {child.alias} set {changed.name} = {value}"
        joined = f"where {child.ref(column)} = {parent.ref(key)} and {self._condition([parent, child], 1)}"
        returned = f"returning {child.ref(child.table.key[0])}"
        inner = self._one([f"delete from {name} {child.alias}{where}", f"{update}{where}"])
        source = self._source(Table("d", child.table.columns, child.table.key, ()))
        text = self._one(
            [
                f"{update}{where} {returned}",
                f"{update} from {parent.table.name} {parent.alias} {joined} {returned}",
                f"delete from {name} {child.alias}{where} {returned}",
                f"delete from {name} {child.alias} using {parent.table.name} {parent.alias} {joined} {returned}",
                f"insert into {name} ({shown}) select {shown} from {name} {child.alias}{where} on conflict do nothing",
                f"with d as ({inner} returning {child.alias}.*) select {source.alias}.{column} from d {source.alias}"
                f"{self._where(source, depth=1)}",
                f"with d as ({inner} returning 1) select count(*) > 0 as found from d",
                f"with d as ({inner} returning {child.alias}.*) select count(*) from {parent.table.name} {parent.alias} "
                f"where {parent.ref(key)} not in (select {column} from d where {column} is not null)",
            ]
        )  # fmt: skip
        return Statement(text, written=name)

    # ------------------------------------------------------------------ sets of rows

    def _distinct_on(self) -> str:
        source = self._source()
        by = self._plain_columns(source, self._chance.randint(1, 2))
        self._ordered = True
        order = [*by, *self._plain_columns(source, 1), *self._key(source)]
        where = self._where(source) if self._likely(0.7) else ""
        text = (
            f"select distinct on ({', '.join(by)}) {', '.join([*by, *self._columns(source, 2), *self._key(source)])} "
            f"from {source.table.name} {source.alias}{where} order by {', '.join(dict.fromkeys(order))}"
        )
        roll = self._chance.random()
        if roll < 0.3:
            return f"{text} limit {self._chance.randint(1, 6)}"
        if roll < 0.6:
            self._ordered = False
            key = source.table.key[0]
            outer = Source(
                "s", Table("s", tuple(c for c in source.table.columns if c.name == key), (key,), ())
            )
            chosen = f"select distinct on ({', '.join(by)}) {source.ref(key)} from {source.table.name} {source.alias}{where}"
            return f"select s.{key} from ({chosen} order by {', '.join(dict.fromkeys(order))}) s{self._where(outer, depth=1)}"
        return text

    def _rows_function(self, source: Source) -> str:
        """A call that makes several rows, or none, of one."""
        arrays, texts = source.table.of_type("ARRAY"), source.table.of_type("text")
        numbers = source.table.of_type(*INTEGERS)
        calls = ["generate_series(1, 2)", "unnest(array[1, 1, null])"]
        calls += [f"unnest({source.ref(column)})" for column in arrays]
        calls += [f"regexp_split_to_table({source.ref(column)}, ' ')" for column in texts[:2]]
        calls += [f"generate_series(1, least({source.ref(column)}, 3))" for column in numbers[:2]]
        return self._one(calls)

    def _sets_of_rows(self) -> str:
        """Functions that return sets, in the list of columns and in FROM."""
        source = self._source()
        name, key = source.table.name, ", ".join(self._key(source))
        call, where = self._rows_function(source), self._where(source, depth=1)
        source_from = f"from {name} {source.alias}"
        _, parent, _, _ = self._family()
        parent_key = parent.ref(parent.table.key[0])
        inner = self._rows_function(parent)
        return self._one(
            [
                f"select {key}, {call} as v {source_from}{where}",
                f"select distinct {key}, {call} as v {source_from}{where}",
                f"select distinct {call} as v {source_from}{where}",
                f"select {key}, {call} as v, {self._rows_function(source)} as w {source_from}{where}",
                f"select count(*) > 0 as found from (select {call} as v {source_from}{where}) s",
                f"select (select count(*) from (select {call} {source_from}{where}) s) > 0 as found",
                f"select {key}, u.v {source_from} cross join lateral {call} u(v){where}",
                f"select {key} {source_from}, {call} u(v){where} and u.v is not null",
                f"select {key} {source_from} left join lateral (select {call} as v) u on true{where}",
                f"select {key} {source_from}{where} and exists (select {call})",
                f"select {key} {source_from}{where} and (select count(*) from (select {call}) s) > 0",
                f"select {key}, {call} as v {source_from}{where} group by {key}, v",
                f"select {key} {source_from}{where} union select {key} {source_from}{self._where(source, depth=1)}",
                f"select {parent_key}, {inner} from {parent.table.name} {parent.alias} union all "
                f"select {parent_key}, {inner} from {parent.table.name} {parent.alias}{self._where(parent, depth=1)}",
            ]
        )  # fmt: skip

    def _recursive(self) -> str:
        """Three rounds over a table's keys, each with a condition of its own."""
        child, parent, column, key = self._family()
        start = self._source(parent.table)
        again = self._source(parent.table)
        word = self._one(["union", "union all"])
        step = self._one(
            [
                f"select r.depth + 1, r.k from r join {again.table.name} {again.alias} on {again.ref(key)} = r.k"
                f"{self._where(again, depth=1)} and r.depth < 3",
                f"select r.depth + 1, r.k from r where r.depth < 3 and exists (select 1 from {child.table.name} {child.alias} "
                f"where {child.ref(column)} = r.k and {self._condition([child], 1)})",
                f"select r.depth + 1, {again.ref(key)} from r, {again.table.name} {again.alias} where r.depth < 3 "
                f"and {again.ref(key)} in (select {child.ref(column)} from {child.table.name} {child.alias} "
                f"where {child.ref(column)} = r.k)",
            ]
        )  # fmt: skip
        text = (
            f"with recursive r(depth, k) as (select 1, {start.ref(key)} from {start.table.name} {start.alias}"
            f"{self._where(start, depth=1)} {word} {step}) "
        )
        return text + self._one(
            [
                "select depth, k from r", "select distinct k from r", "select count(*) > 0 as found from r",
                f"select {parent.ref(key)} from {parent.table.name} {parent.alias} where {parent.ref(key)} in "
                f"(select k from r){f' and {self._condition([parent], 1)}' if self._likely(0.5) else ''}",
                f"select {parent.ref(key)}, (select count(*) from r where r.k = {parent.ref(key)}) as n "
                f"from {parent.table.name} {parent.alias}",
                f"select r.k, max(r.depth) as m from r join {parent.table.name} {parent.alias} on {parent.ref(key)} = r.k "
                "group by r.k",
            ]
        )  # fmt: skip
