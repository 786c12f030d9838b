"""The facts of the tables that a statement touches, read once per call from the catalogue.

Only `pg_catalog` is read, and no user relation is opened. Statistics come from the view `pg_stats`, which
shows a caller only the columns he may read: a column without statistics has None in those fields.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wedding_dbopt.database import Database, Row
from wedding_dbopt.query import Table

PAGE_BYTES = 8192
NO_STATISTICS = dict.fromkeys(
    ("n_distinct", "null_frac", "avg_width", "correlation", "most_common_vals", "most_common_freqs")
)


@dataclass(frozen=True)
class Column:
    """A column; `type` is `format_type` text with its modifier, `generated` tells of GENERATED ALWAYS AS.

    `n_distinct`, `null_frac`, `avg_width` (bytes), `correlation` and the most common values (as text, with
    their frequencies) are those of `pg_stats`; None or empty where there is no statistic.
    `plain` is False for a user's type other than an enum: reading a literal of it may run somebody's code.
    `deterministic` is False for a collation under which different texts can be equal. `expression` is what a
    generated column is computed from.
    """

    name: str
    type: str
    type_oid: int
    not_null: bool
    collation: str | None
    generated: bool
    n_distinct: float | None
    null_frac: float | None
    avg_width: int | None
    correlation: float | None
    most_common_vals: tuple[str, ...]
    most_common_freqs: tuple[float, ...]
    deterministic: bool = True
    plain: bool = True
    expression: str | None = None


@dataclass(frozen=True)
class Index:
    """An index; `columns` and `descending` have one entry per key, None for an expression.

    `expressions` and `predicate` are SQL text without the table's name; `size_bytes` is what the catalogue
    last counted (pages of 8 kB). `constraint` tells that a constraint owns it. `immediate` is False for a
    deferrable unique constraint.
    """

    name: str
    oid: int
    columns: tuple[str | None, ...]
    include: tuple[str, ...]
    expressions: str | None
    method: str
    unique: bool
    primary: bool
    valid: bool
    constraint: bool
    predicate: str | None
    definition: str
    size_bytes: int
    descending: tuple[bool, ...]
    immediate: bool = True


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key: `columns` point at `referenced_columns` of `referenced` (schema, name)."""

    columns: tuple[str, ...]
    referenced: tuple[str, str]
    referenced_columns: tuple[str, ...]
    validated: bool
    name: str = ""
    deferrable: bool = False


@dataclass(frozen=True)
class Relation:
    """A table, partitioned table, view, materialized view or foreign table.

    `kind` is `pg_class.relkind`. `rows` is `reltuples`, -1 while the table was never analysed; `pages` are
    of 8 kB. `unique_keys`, the primary key first, hold the columns of immediate, valid, whole-table unique indexes without
    expressions. `inherited` tells that other tables inherit from it.

    A partitioned table counts the rows and pages of its `leaves`, the partitions (schema, name) that hold rows, largest
    first; `local` is False where one of them is no table of this server. `root` is the table that a partition belongs to.
    `part_indexes` are valid indexes that each of its leaves has, one by one, whether the whole knows of them or not.
    """

    oid: int
    schema: str
    name: str
    kind: str
    rows: float
    pages: int
    columns: Mapping[str, Column]
    indexes: tuple[Index, ...]
    unique_keys: tuple[tuple[str, ...], ...]
    foreign_keys: tuple[ForeignKey, ...]
    row_security: bool
    inherited: bool = False
    leaves: tuple[tuple[str, str], ...] = ()
    local: bool = True
    root: tuple[str, str] | None = None
    part_indexes: tuple[Index, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """Its schema and name."""
        return (self.schema, self.name)

    @property
    def holders(self) -> tuple[tuple[str, str], ...]:
        """The tables (schema, name) that hold its rows: its leaves, or itself."""
        return self.leaves or (self.place,)

    @property
    def is_table(self) -> bool:
        """True where constraints hold for every row: a partitioned table, or a table without children."""
        return self.kind == "p" or (self.kind == "r" and not self.inherited)

    def not_null(self, column: str) -> bool:
        """Tell whether a constraint keeps NULL out of the column."""
        return self.is_table and column in self.columns and self.columns[column].not_null

    def unique_on(self, columns: Collection[str]) -> bool:
        """Tell whether no two rows agree on all of `columns`: they hold a unique key without NULLs."""
        return self.is_table and any(
            set(key) <= set(columns) and all(self.not_null(column) for column in key)
            for key in self.unique_keys
        )


class Catalog:
    """The relations that a statement names, found by the search path as PostgreSQL would."""

    def __init__(
        self, relations: Sequence[Relation], search_path: Sequence[str], hidden: Collection[str] = ()
    ) -> None:
        """Take relations that are already read.

        `search_path` holds schema names in order; `hidden` are the names that mean a system or temporary
        relation when they stand without a schema.
        """
        self._relations = {relation.place: relation for relation in relations}
        self._search_path = tuple(search_path)
        self._hidden = frozenset(hidden)

    @classmethod
    def load(cls, database: Database, tables: Sequence[Table], search_path: Sequence[str]) -> Catalog:
        """Read the facts of `tables`, in five queries, seven with partitions, none when there is no table.

        With a partition comes the table it belongs to. System and temporary relations are left out. Raises DatabaseError.
        """
        names = sorted({table.name for table in tables})
        if not names:
            return cls((), search_path)
        schemas = sorted({*search_path, *(table.schema for table in tables if table.schema is not None)})
        rows = database.query(_RELATIONS, ["text[]", "text[]"], [names, schemas])
        hidden = [row["name"] for row in rows if row["hidden"]]
        found = [row for row in rows if not row["hidden"]]
        if not found:
            return cls((), search_path, hidden)
        read = {(row["schema"], row["name"]) for row in found}
        roots = {tuple(row["root"]) for row in found if row["root"]} - read
        if roots:
            above = [Table(schema, name, name) for schema, name in sorted(roots)]
            return cls.load(database, [*tables, *above], search_path)
        oids = [row["oid"] for row in found]
        parents = [row["oid"] for row in found if row["kind"] == "p"]
        leaves = _by_relation(database.query(_LEAVES, ["oid[]"], [parents]) if parents else [])
        parts = [row["oid"] for rows in leaves.values() for row in rows]
        of_parts = _by_relation(database.query(_INDEXES, ["oid[]"], [parts]) if parts else [])
        columns, indexes, keys = (
            _by_relation(database.query(sql, ["oid[]"], [oids]))
            for sql in (_COLUMNS, _INDEXES, _FOREIGN_KEYS)
        )
        largest = [rows[0] for rows in leaves.values()]
        places = [sorted({row[part] for row in [*found, *largest]}) for part in ("schema", "name")]
        statistics = {
            (row["schema"], row["table"], row["column"]): row
            for row in database.query(_STATISTICS, ["name[]", "name[]"], places)
        }
        relations = [
            _relation(
                row,
                [
                    {
                        **NO_STATISTICS,
                        **column,
                        **_known(statistics, column["name"], row, leaves.get(row["oid"], [])),
                    }
                    for column in columns.get(row["oid"], [])
                ],
                indexes.get(row["oid"], []),
                keys.get(row["oid"], []),
                leaves.get(row["oid"], []),
                [of_parts.get(leaf["oid"], []) for leaf in leaves.get(row["oid"], [])],
            )
            for row in found
        ]
        return cls(relations, search_path, hidden)

    def relations(self) -> tuple[Relation, ...]:
        """All relations read, ordered by schema and name."""
        return tuple(self._relations[key] for key in sorted(self._relations))

    def if_not_null(self) -> Catalog:
        """The same relations as if no column could be NULL."""
        relations = [
            replace(
                relation,
                columns={name: replace(column, not_null=True) for name, column in relation.columns.items()},
            )
            for relation in self.relations()
        ]
        return Catalog(relations, self._search_path, self._hidden)

    def whole(self, schema: str | None, name: str | None) -> Relation | None:
        """The partitioned table that a partition belongs to; None for any other table."""
        part = self._relations.get((schema or "", name or ""))
        return self._relations.get(part.root) if part is not None and part.root is not None else None

    def relation(self, table: Table) -> Relation | None:
        """Return the relation that `table` means, or None for a system, temporary or unknown one.

        A name without a schema is the first of its name on the search path, unless it is hidden: the
        temporary and the system schema come before the path.
        """
        if table.schema is not None:
            return self._relations.get((table.schema, table.name))
        if table.name in self._hidden:
            return None
        candidates = (self._relations.get((schema, table.name)) for schema in self._search_path)
        return next((relation for relation in candidates if relation is not None), None)


def _by_relation(rows: Sequence[Row]) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["relation"], []).append(row)
    return groups


def _known(
    statistics: Mapping[tuple[str, str, str], Row], column: str, row: Row, leaves: Sequence[Row]
) -> Mapping[str, Any]:
    """A column's statistics; autovacuum makes none of a partitioned table, so there those of its largest partition."""
    tables = [row, *leaves[:1]]
    found = (statistics.get((table["schema"], table["name"], column)) for table in tables)
    return next((entry for entry in found if entry is not None), {})


def _relation(
    row: Row,
    columns: Sequence[Row],
    indexes: Sequence[Row],
    keys: Sequence[Row],
    leaves: Sequence[Row],
    of_parts: Sequence[Sequence[Row]],
) -> Relation:
    rows = float(row["rows"])
    if rows < 0 and leaves and all(leaf["rows"] >= 0 for leaf in leaves):
        rows = float(sum(leaf["rows"] for leaf in leaves))
    made = tuple(_index(index) for index in indexes)
    return Relation(
        oid=row["oid"],
        schema=row["schema"],
        name=row["name"],
        kind=row["kind"],
        rows=rows,
        pages=sum(leaf["pages"] for leaf in leaves) if leaves else row["pages"],
        columns={column["name"]: _column(column) for column in columns},
        indexes=made,
        unique_keys=tuple(
            tuple(column for column in index.columns if column is not None)
            for index, read in sorted(zip(made, indexes), key=lambda pair: not pair[0].primary)
            if index.unique
            and index.valid
            and index.immediate
            and read["usual_equality"]
            and not index.predicate
            and not index.expressions
        ),
        foreign_keys=tuple(
            ForeignKey(
                name=key["name"],
                columns=tuple(key["columns"]),
                referenced=(key["referenced_schema"], key["referenced_name"]),
                referenced_columns=tuple(key["referenced_columns"]),
                validated=key["validated"],
                deferrable=key["deferrable"],
            )
            for key in keys
        ),
        row_security=row["row_security"],
        inherited=row["inherited"],
        leaves=tuple((leaf["schema"], leaf["name"]) for leaf in leaves),
        local=all(leaf["kind"] == "r" for leaf in leaves),
        root=tuple(row["root"]) if row["root"] else None,
        part_indexes=tuple(_index(index) for index in _on_each(of_parts)),
    )


def _on_each(of_parts: Sequence[Sequence[Row]]) -> list[Row]:
    """Those indexes of the first part that every other part has too, by what they hold."""
    held = [{_body(index) for index in indexes if index["valid"]} for indexes in of_parts]
    common = set[str].intersection(*held) if held else set()
    return [index for index in of_parts[0] if index["valid"] and _body(index) in common] if held else []


def _body(index: Row) -> str:
    """An index without its name and table."""
    unique = "UNIQUE " if index["unique"] else ""
    return unique + str(index["definition"]).partition(" USING ")[2]


def _column(row: Row) -> Column:
    return Column(
        name=row["name"],
        type=row["type"],
        type_oid=row["type_oid"],
        not_null=row["not_null"],
        collation=row["collation"],
        deterministic=row["deterministic"],
        plain=row["plain"],
        generated=row["generated"],
        expression=row["expression"],
        n_distinct=_number(row["n_distinct"]),
        null_frac=_number(row["null_frac"]),
        avg_width=row["avg_width"],
        correlation=_number(row["correlation"]),
        most_common_vals=tuple(row["most_common_vals"] or ()),
        most_common_freqs=tuple(float(frequency) for frequency in row["most_common_freqs"] or ()),
    )


def _index(row: Row) -> Index:
    return Index(
        name=row["name"],
        oid=row["oid"],
        columns=tuple(row["columns"]),
        include=tuple(row["include"]),
        expressions=row["expressions"],
        method=row["method"],
        unique=row["unique"],
        primary=row["primary"],
        valid=row["valid"],
        immediate=row["immediate"],
        constraint=row["constraint"],
        predicate=row["predicate"],
        definition=row["definition"],
        size_bytes=row["pages"] * PAGE_BYTES,
        descending=tuple(row["descending"]),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


_RELATIONS = """
select c.oid::bigint as oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
       c.reltuples::float8 as rows, c.relpages as pages, c.relrowsecurity as row_security,
       exists (select from pg_catalog.pg_inherits h where h.inhparent = c.oid) as inherited,
       (select array[rn.nspname::text, r.relname::text]
        from pg_catalog.pg_class r join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
        where c.relispartition and r.oid = pg_catalog.pg_partition_root(c.oid)) as root,
       n.nspname ~ '^pg_' or n.nspname = 'information_schema' as hidden
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = any ($1::name[])
  and (n.nspname = any ($2::name[]) or n.nspname = 'pg_catalog' or n.oid = pg_catalog.pg_my_temp_schema())
  and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by n.nspname, c.relname
"""

_LEAVES = """
select p.oid::bigint as relation, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
       c.reltuples::float8 as rows, c.relpages as pages, c.oid::bigint as oid
from unnest($1) p (oid)
cross join lateral pg_catalog.pg_partition_tree(p.oid) t
join pg_catalog.pg_class c on c.oid = t.relid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where t.isleaf and c.relkind <> 'p'
order by p.oid, c.relpages desc, n.nspname, c.relname
"""

_COLUMNS = """
select a.attrelid::bigint as relation, a.attname::text as name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type, a.atttypid::bigint as type_oid,
       a.attnotnull and not exists (
           select from pg_catalog.pg_constraint o
           where o.conrelid = a.attrelid and o.contype = 'n' and o.conkey = array[a.attnum]
             and not o.convalidated) as not_null, l.collname::text as collation,
       t.typnamespace = 'pg_catalog'::regnamespace or t.typtype = 'e' as plain,
       coalesce(l.collisdeterministic, true) as deterministic, a.attgenerated <> '' as generated,
       case when a.attgenerated <> '' then (
           select pg_catalog.pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef d
           where d.adrelid = a.attrelid and d.adnum = a.attnum) end as expression
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_collation l on l.oid = a.attcollation
where a.attrelid = any ($1) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
"""

#: Of the whole tree of tables last, where there are both.
_STATISTICS = """
select s.schemaname::text as schema, s.tablename::text as table, s.attname::text as column,
       s.n_distinct, s.null_frac, s.avg_width, s.correlation,
       s.most_common_vals::text::text[] as most_common_vals, s.most_common_freqs
from pg_catalog.pg_stats s
where s.schemaname = any ($1) and s.tablename = any ($2)
order by s.inherited
"""

_INDEXES = """
select i.indrelid::bigint as relation, c.relname::text as name, c.oid::bigint as oid,
       m.amname::text as method,
       i.indisunique as unique, i.indisprimary as primary, i.indisvalid and i.indisready as valid,
       i.indimmediate as immediate, c.relpages as pages,
       exists (select from pg_catalog.pg_constraint o
               where o.conindid = c.oid and o.contype in ('p', 'u', 'x')) as constraint,
       pg_catalog.pg_get_expr(i.indexprs, i.indrelid) as expressions,
       pg_catalog.pg_get_expr(i.indpred, i.indrelid) as predicate,
       pg_catalog.pg_get_indexdef(c.oid) as definition,
       (select bool_and(p.opcdefault) from unnest(i.indclass::oid[]) k
        join pg_catalog.pg_opclass p on p.oid = k) as usual_equality,
       array(select a.attname::text from generate_series(0, i.indnkeyatts - 1) k
             left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[k]
             order by k) as columns,
       array(select i.indoption[k] & 1 = 1 from generate_series(0, i.indnkeyatts - 1) k
             order by k) as descending,
       array(select a.attname::text from generate_series(i.indnkeyatts::int, i.indnatts - 1) k
             join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[k]
             order by k) as include
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_am m on m.oid = c.relam
where i.indrelid = any ($1)
order by i.indrelid, c.relname
"""

_FOREIGN_KEYS = """
select o.conrelid::bigint as relation, o.conname::text as name, n.nspname::text as referenced_schema,
       r.relname::text as referenced_name, o.convalidated as validated, o.condeferrable as deferrable,
       array(select a.attname::text from unnest(o.conkey) with ordinality k(attnum, place)
             join pg_catalog.pg_attribute a on a.attrelid = o.conrelid and a.attnum = k.attnum
             order by k.place) as columns,
       array(select a.attname::text from unnest(o.confkey) with ordinality k(attnum, place)
             join pg_catalog.pg_attribute a on a.attrelid = o.confrelid and a.attnum = k.attnum
             order by k.place) as referenced_columns
from pg_catalog.pg_constraint o
join pg_catalog.pg_class r on r.oid = o.confrelid
join pg_catalog.pg_namespace n on n.oid = r.relnamespace
where o.contype = 'f' and o.conrelid = any ($1)
order by o.conrelid, o.conname
"""
