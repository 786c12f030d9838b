"""The names of advised indexes, where something in the schema bears such a name already.

A name is made of the definition, so what bears it is mostly the same index. One that is there, that is being built, or that
is hidden until a verdict is not advised a second time; what a dead build left behind is taken away before the new one is made.
Anything else, as the index of a table that got another name, keeps its name, and the advised index gets another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from wedding_dbopt.database import Database
from wedding_dbopt.indexes.definition import IndexDef
from wedding_dbopt.indexes.recommendation import Recommendation

_BEARER = """
select coalesce(i.indrelid = pg_catalog.to_regclass($3) and _wedding_dbopt.index_body($4)
                  = _wedding_dbopt.index_body(pg_catalog.pg_get_indexdef(i.indexrelid)), false) as same,
       i.indisvalid
         or exists (select from pg_catalog.pg_stat_progress_create_index p where p.index_relid = c.oid)
         or exists (select from _wedding_dbopt.action a
                    where a.state in ('applying', 'verifying') and a.details ->> 'oid' = c.oid::text) as kept
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = c.oid
where n.nspname = $1 and c.relname = $2
"""


def named(database: Database, items: Iterable[Recommendation]) -> Iterator[Recommendation]:
    """The recommendations with names they can have, without those whose index is there already."""
    for item in items:
        name = free_name(database, item.index)
        if name is not None:
            index = item.index
            yield replace(item, name=name, create_sql=index.create_sql(name), drop_sql=index.drop_sql(name))


def free_name(database: Database, index: IndexDef) -> str | None:
    """The name for an index that is to be made; None where the same index bears it, whole or until a verdict."""
    number = 1
    while True:
        name = index.name(number)
        values = [index.schema, name, index.table_sql, index.create_sql()]
        bearers = database.query(_BEARER, ["name", "name", "text", "text"], values)
        if not bearers:
            return name
        if bearers[0]["same"]:
            return None if bearers[0]["kept"] else name
        number += 1
