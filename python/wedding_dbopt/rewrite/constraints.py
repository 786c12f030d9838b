"""What rows of a table must keep, as far as the server can be asked to keep it without running somebody's code.

A CHECK or generated column that calls a function of an ordinary role is left out: a role that only reads a table would
run its owner's code. So are the checks of domains: such a column is of the domain's base type. Then the table is
`incomplete`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wedding_dbopt.catalog import Catalog, Relation
from wedding_dbopt.database import Database, Row

#: Stands for a type that is not used: even a NULL of a domain runs its checks.
UNUSABLE_TYPE = "pg_catalog.text"


@dataclass(frozen=True)
class ShapeColumn:
    """A column: `type` is SQL, with a collation of its own; `kind` is the type's internal name (`_int4` for an array).

    `labels` are those of an enum; `folds` tells that different texts can be equal in it.
    """

    name: str
    type: str
    kind: str
    not_null: bool
    labels: tuple[str, ...]
    generated: str | None
    usable: bool
    folds: bool = False

    @property
    def quoted(self) -> str:
        return '"' + self.name.replace('"', '""') + '"'

    @property
    def pool(self) -> str:
        """Columns with the same pool choose from the same values."""
        return self.type if self.labels else self.kind


@dataclass(frozen=True)
class Reference:
    """A foreign key to a table (schema, name)."""

    columns: tuple[str, ...]
    referenced: tuple[str, str]
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """A table as its rows must be; `incomplete` says what is not kept, `impossible` why no row can be made."""

    schema: str
    name: str
    columns: tuple[ShapeColumn, ...]
    checks: tuple[str, ...]
    unique_keys: tuple[tuple[str, ...], ...]
    foreign_keys: tuple[Reference, ...]
    primary_key: tuple[str, ...]
    incomplete: tuple[str, ...]
    impossible: str | None

    @property
    def place(self) -> tuple[str, str]:
        return (self.schema, self.name)


_FOREIGN_CODE = """
exists (select from pg_catalog.pg_depend d
        left join pg_catalog.pg_proc p on d.refclassid = 'pg_catalog.pg_proc'::regclass and p.oid = d.refobjid
        left join pg_catalog.pg_operator o on d.refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = d.refobjid
        join pg_catalog.pg_roles r on r.oid = coalesce(p.proowner, o.oprowner)
        where d.classid = {catalogue}::regclass and d.objid = {oid} and not r.rolsuper)
"""
_COLUMNS = f"""
select a.attrelid::bigint as relation, a.attname::text as name,
       pg_catalog.format_type(t.oid, case when d.typtype = 'd' then d.typtypmod else a.atttypmod end)
         || case when a.attcollation <> t.typcollation then format(' collate %I.%I', ln.nspname, l.collname) else '' end
         as type, coalesce(not l.collisdeterministic, false) or t.typname = 'citext' as folds,
       case when t.typcategory = 'A' then '_' || e.typname else t.typname end as kind,
       a.attnotnull or d.typnotnull as not_null, d.typtype = 'd' as domain,
       array(select l.enumlabel::text from pg_catalog.pg_enum l where l.enumtypid = t.oid order by l.enumsortorder)
         as labels,
       t.typtype in ('b', 'e', 'r') and (n.nspname = 'pg_catalog' or t.typtype = 'e' or r.rolsuper) as usable,
       case when a.attgenerated <> '' then pg_catalog.pg_get_expr(g.adbin, g.adrelid) end as generated,
       a.attgenerated <> '' and {_FOREIGN_CODE.format(catalogue="'pg_catalog.pg_attrdef'", oid="g.oid")} as foreign_code
from pg_catalog.pg_attribute a
join pg_catalog.pg_type d on d.oid = a.atttypid
join pg_catalog.pg_type t on t.oid = case when d.typtype = 'd' then d.typbasetype else d.oid end
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
join pg_catalog.pg_roles r on r.oid = t.typowner
left join pg_catalog.pg_type e on e.oid = t.typelem
left join pg_catalog.pg_collation l on l.oid = a.attcollation
left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
left join pg_catalog.pg_attrdef g on g.adrelid = a.attrelid and g.adnum = a.attnum
where a.attrelid = any ($1) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
"""
_CHECKS = f"""
select c.conrelid::bigint as relation, c.conname::text as name, pg_catalog.pg_get_expr(c.conbin, c.conrelid) as condition,
       {_FOREIGN_CODE.format(catalogue="'pg_catalog.pg_constraint'", oid="c.oid")} as foreign_code
from pg_catalog.pg_constraint c
where c.conrelid = any ($1) and c.contype = 'c' and c.convalidated
union all
select c.oid::bigint, 'its partition''s bounds', pg_catalog.pg_get_partition_constraintdef(c.oid), false
from pg_catalog.pg_class c
where c.oid = any ($1) and c.relispartition
order by 1, 2
"""


def shapes(database: Database, catalog: Catalog) -> list[Shape]:
    """The shapes of all relations of a catalogue; of a view only its columns."""
    relations = catalog.relations()
    if not relations:
        return []
    oids = [relation.oid for relation in relations]
    columns = database.query(_COLUMNS, ["oid[]"], [oids])
    checks = database.query(_CHECKS, ["oid[]"], [oids])
    return [
        _shape(
            relation,
            [row for row in columns if row["relation"] == relation.oid],
            [row for row in checks if row["relation"] == relation.oid],
        )
        for relation in relations
    ]


def _shape(relation: Relation, columns: Sequence[Row], checks: Sequence[Row]) -> Shape:
    made = tuple(
        ShapeColumn(
            name=row["name"],
            type=row["type"] if row["usable"] else UNUSABLE_TYPE,
            kind=row["kind"],
            not_null=row["not_null"] and relation.is_table,
            labels=tuple(row["labels"] or ()),
            generated=None if row["foreign_code"] else row["generated"],
            usable=row["usable"],
            folds=row["folds"],
        )
        for row in columns
    )
    incomplete = [
        f"{row['name']} is computed by a function of its owner" for row in columns if row["foreign_code"]
    ]
    incomplete += [
        f"{row['name']} is of a domain, whose checks are left out" for row in columns if row["domain"]
    ]
    incomplete += [f"{row['name']} calls a function of its owner" for row in checks if row["foreign_code"]]
    lacking = [
        column for column in made if column.not_null and not column.usable and column.generated is None
    ]
    return Shape(
        schema=relation.schema,
        name=relation.name,
        columns=made,
        checks=tuple(row["condition"] for row in checks if row["condition"] and not row["foreign_code"]),
        unique_keys=tuple(
            tuple(column for column in index.columns if column is not None)
            for index in relation.indexes
            if relation.is_table and index.unique and index.valid and index.immediate
            if None not in index.columns and not index.predicate
        ),
        foreign_keys=tuple(
            Reference(key.columns, key.referenced, key.referenced_columns)
            for key in relation.foreign_keys
            if relation.is_table and key.validated and not key.deferrable
        ),
        primary_key=next(
            (tuple(name for name in index.columns if name) for index in relation.indexes if index.primary), ()
        ),
        incomplete=tuple(incomplete),
        impossible=f"{lacking[0].name} of type {lacking[0].type} cannot be filled" if lacking else None,
    )
