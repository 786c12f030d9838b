"""What the rules may ask of the catalogue: what a name means, whether it can be NULL, what is unique."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from wedding_dbopt.catalog import Catalog, Column, ForeignKey, Index, Relation
from wedding_dbopt.database import Database
from wedding_dbopt.query import Query, Table, defining_cte, folded, named
from wedding_dbopt.rewrite.reading import words_of
from wedding_dbopt.rewrite.surroundings import Surroundings, surroundings
from wedding_dbopt.tree import Reached, topmost

BOOLEAN = 16
BIGINT, SMALLINT, INTEGER = 20, 21, 23
TEXT, VARCHAR = 25, 1043
DATE, TIMESTAMP, TIMESTAMPTZ = 1082, 1114, 1184
NUMERIC = 1700
JSONB = 3802
TSVECTOR = 3614
TEXT_ARRAY, VARCHAR_ARRAY, INTEGER_ARRAY, BIGINT_ARRAY, UUID_ARRAY = 1009, 1015, 1007, 1016, 2951
UUID = 2950
INTERVAL = 1186
#: Types of which two values that are equal are also written alike, under a deterministic collation.
IDENTICAL = {BOOLEAN, BIGINT, SMALLINT, INTEGER, TEXT, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, UUID}
INTEGER_RANGES = {SMALLINT: 2**15, INTEGER: 2**31, BIGINT: 2**63}

_VIEWS = """
with recursive read (root, oid) as (
  select oid, oid from pg_catalog.unnest($1::oid[]) as oid
  union
  select read.root, d.refobjid
  from read
  join pg_catalog.pg_rewrite w on w.ev_class = read.oid
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
    and d.refclassid = 'pg_catalog.pg_class'::regclass
)
select read.root, pg_catalog.string_agg(pg_catalog.pg_get_viewdef(c.oid), ' ' order by c.oid) as text
from read join pg_catalog.pg_class c on c.oid = read.oid where c.relkind = 'v' group by read.root
"""

SCOPES = (exp.Select, exp.Update, exp.Delete)
_EDGES = (*SCOPES, exp.CTE, exp.Lateral, exp.Merge, exp.Insert)


@dataclass(frozen=True)
class ColumnFact:
    """The table column that a name in a statement means.

    `source` is the node that brings the table in; `nullable_side` tells that an outer join may put NULLs in
    place of its rows.
    """

    relation: Relation
    column: Column
    source: exp.Table
    nullable_side: bool

    @property
    def not_null(self) -> bool:
        """Tell whether the value is never NULL where the name stands."""
        return not self.nullable_side and self.relation.not_null(self.column.name)

    @property
    def not_null_constraint(self) -> str:
        """Name the constraint that `not_null` rests on."""
        return f"{self.relation.schema}.{self.relation.name}.{self.column.name} NOT NULL"


def same_kind(first: ColumnFact, second: ColumnFact) -> bool:
    """Tell whether two columns compare under one type and one deterministic collation."""
    return _alike(first.column, second.column)


def _alike(a: Column, b: Column) -> bool:
    return (a.type_oid, a.collation) == (b.type_oid, b.collation) and a.deterministic and a.plain


def is_identical(column: Column) -> bool:
    """Tell whether equal values of a column are the same in every character: numerics only with a scale."""
    scaled = column.type_oid == NUMERIC and "(" in column.type
    return (column.type_oid in IDENTICAL or scaled) and column.deterministic


class Facts:
    """Answers for one statement; every method returns None or False where it is not sure."""

    def __init__(
        self,
        catalog: Catalog,
        around: Surroundings | None = None,
        read_parents: Callable[[], Catalog] | None = None,
        views: Mapping[int, str] | None = None,
    ) -> None:
        """Take the relations of the statement, what its session makes of words, what reads parents by foreign keys,
        and by its oid the text of each view with those below it."""
        self._catalog = catalog
        self._read_parents = read_parents
        self._views = views or {}
        self._parents: Catalog | None = None
        around = around or Surroundings()
        self.version = around.version
        self.work_mem = around.work_mem
        self.shadowed = around.shadowed
        self.operators_shadowed = around.operators_shadowed
        self.contains_shadowed = around.contains_shadowed
        self.volatile = around.volatile
        self._owners: dict[int, tuple[exp.Expr, exp.Expr, bool] | None] = {}
        self._below: Reached = {}

    @classmethod
    def load(cls, database: Database, catalog: Catalog, search_path: Sequence[str], text: str) -> Facts:
        """Add what the session says to the relations that are read already, and their parents by foreign keys."""
        known = {relation.place for relation in catalog.relations()}
        wanted = {key.referenced for relation in catalog.relations() for key in relation.foreign_keys} - known

        def parents() -> Catalog:
            return Catalog.load(database, [Table(schema, name, name) for schema, name in sorted(wanted)], ())

        read = [relation.oid for relation in catalog.relations() if relation.kind == "v"]
        views = (
            {row["root"]: row["text"] for row in database.query(_VIEWS, ["oid[]"], [read])} if read else {}
        )
        around = surroundings(database, search_path, words_of(" ".join([text, *views.values()])))
        return cls(catalog, around, parents, views)

    @property
    def names(self) -> frozenset[str]:
        """Names of relations and columns that a rule may write."""
        return frozenset(
            name.lower()
            for source in (self._catalog, self._parents)
            for known in (source.relations() if source is not None else ())
            for name in (known.schema, known.name, *known.columns)
        )

    def if_not_null(self) -> Facts:
        """The same facts as if no column could be NULL."""
        wished = copy.copy(self)
        wished._catalog = self._catalog.if_not_null()
        wished._owners, wished._below = {}, {}
        return wished

    def keeps_not_null(self, constraint: str) -> bool:
        """Tell whether a constraint that `ColumnFact.not_null_constraint` names is there."""
        return any(
            constraint == f"{known.schema}.{known.name}.{column} NOT NULL"
            for known in self._catalog.relations()
            for column in known.columns
            if known.not_null(column)
        )

    def new_tree(self) -> None:
        """Forget what names meant in the tree before."""
        self._owners.clear()
        self._below.clear()

    def views_of(self, query: Query) -> str:
        """Return the text of the views that a statement reads, and of those that they read."""
        read = (self._catalog.relation(table) for table in query.tables)
        return " ".join(self._views.get(relation.oid, "") for relation in read if relation is not None)

    def relation(self, source: exp.Expr) -> Relation | None:
        """Return the relation that a node of FROM names; None for a CTE, a function or an unknown table."""
        if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
            return None
        alias = source.args.get("alias")
        if source.args.get("joins") or (alias is not None and alias.args.get("columns")):
            return None
        if source.args.get("only") or source.args.get("sample"):
            return None
        return None if defining_cte(source) else self._catalog.relation(named(source))

    def column(self, node: exp.Expr) -> ColumnFact | None:
        """Return what a column name means, by SQL's scoping rules; None if it is no plain table column."""
        found = self._owner(node)
        if found is None:
            return None
        source = found[1]
        relation = self.relation(source)
        name = folded(node.this)
        if relation is None or name not in relation.columns or not isinstance(source, exp.Table):
            return None
        return ColumnFact(relation, relation.columns[name], source, found[2])

    def owner(self, node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
        """Return the scope and the node of FROM that a column's name is looked up in, of whatever kind it is."""
        found = self._owner(node)
        return None if found is None else found[:2]

    def _owner(self, node: exp.Expr) -> tuple[exp.Expr, exp.Expr, bool] | None:
        if id(node) not in self._owners:
            self._owners[id(node)] = self._found_owner(node)
        return self._owners[id(node)]

    def _found_owner(self, node: exp.Expr) -> tuple[exp.Expr, exp.Expr, bool] | None:
        if (
            not isinstance(node, exp.Column)
            or not isinstance(node.this, (exp.Identifier, exp.Star))
            or node.args.get("catalog")
        ):
            return None
        qualifier, schema = node.args.get("table"), node.args.get("db")
        if qualifier is None and isinstance(node.this, exp.Star):
            return None
        name = None if isinstance(node.this, exp.Star) else folded(node.this)
        for scope in _scopes(node, self._below):
            sources = list(_sources(scope))
            if schema is not None and qualifier is not None:
                found = [place for place in sources if self._is_named(place.node, schema, qualifier)]
            elif qualifier is not None:
                found = [place for place in sources if _alias(place.node) == folded(qualifier)]
            else:
                found = [place for place in sources if self._may_hold(place, name or "")]
            if not found:
                if any(place.opaque for place in sources):
                    return None
                continue
            if len(found) > 1 or (qualifier is None and any(place.merged for place in sources)):
                return None
            if qualifier is None and self.relation(found[0].node) is None:
                return None
            return scope, found[0].node, found[0].nullable
        return None

    def _is_named(self, source: exp.Expr, schema: exp.Expr, name: exp.Expr) -> bool:
        """Tell whether `schema.name` before a column means a source: the table itself, under no alias."""
        relation = self.relation(source)
        if relation is None or source.args.get("alias") is not None:
            return False
        return relation.place == (folded(schema), folded(name))

    def finds_table(self, column: exp.Column) -> bool:
        """Tell whether a query around `schema.table.column` reads that table under no alias."""
        scope: exp.Expr | None = column
        while scope is not None:
            if isinstance(scope, SCOPES) and any(
                self._is_named(place.node, column.args["db"], column.args["table"])
                for place in _sources(scope)
            ):
                return True
            scope = scope.parent
        return False

    def _may_hold(self, place: _Place, name: str) -> bool:
        relation = self.relation(place.node)
        return relation is None or name in relation.columns

    def reads_tables_only(self, query: exp.Expr) -> bool:
        """Tell whether `query` reads at least one source, and each is a known table and no view."""
        found = [self.relation(table) for table in query.find_all(exp.Table)]
        known = all(relation is not None and relation.kind != "v" for relation in found)
        return bool(found) and known and query.find(exp.Lateral, exp.Unnest) is None

    def unique_index(self, relation: Relation, columns: set[str]) -> Index | None:
        """Return an index that proves the rows of `relation` to differ in `columns`."""
        for index in sorted(relation.indexes, key=lambda index: not index.primary):
            key = tuple(column for column in index.columns if column is not None)
            if (
                key in relation.unique_keys
                and index.unique
                and not index.expressions
                and not index.predicate
                and set(key) <= columns
                and relation.unique_on(key)
                and all(relation.columns[column].deterministic for column in key)
            ):
                return index
        return None

    def foreign_key(self, relation: Relation, columns: Sequence[str], parent: Relation) -> ForeignKey | None:
        """Return a constraint by which each row of `relation` without NULL in `columns` has its row in `parent`.

        `columns` are in the order of the parent's key as the caller pairs them.
        """
        for key in relation.foreign_keys if relation.is_table else ():
            if (
                key.referenced == parent.place
                and key.validated
                and not key.deferrable
                and set(key.columns) == set(columns)
            ):
                return key
        return None

    def parent(self, fact: ColumnFact) -> tuple[Relation, str, str] | None:
        """Return the table that holds every value of a column that is never NULL, its key, and the constraint.

        The column alone makes a validated, immediate foreign key to a key of one type and collation with it, in
        which equal values are identical; no row-level security hides rows of the parent.
        """
        for key in fact.relation.foreign_keys if fact.not_null and fact.relation.is_table else ():
            if key.columns != (fact.column.name,) or not key.validated or key.deferrable:
                continue
            table = Table(key.referenced[0], key.referenced[1], key.referenced[1])
            found = self._catalog.relation(table) or self._parent(table)
            if found is None or found.row_security or not found.is_table:
                continue
            name = key.referenced_columns[0]
            if (
                name in found.columns
                and found.columns[name].type == fact.column.type
                and _alike(found.columns[name], fact.column)
                and is_identical(fact.column)
                and found.unique_on({name})
            ):
                return found, name, f"{fact.relation.schema}.{fact.relation.name} FOREIGN KEY {key.name}"
        return None

    def _parent(self, table: Table) -> Relation | None:
        """A table that the statement does not name; read when a rule asks first, because few do."""
        if self._parents is None and self._read_parents is not None:
            self._parents = self._read_parents()
        return self._parents.relation(table) if self._parents is not None else None

    def serves(self, relation: Relation, *columns: str) -> Index | None:
        """Return a whole b-tree index whose first keys are `columns`."""
        for index in relation.indexes:
            leads = index.columns[: len(columns)] == columns
            if index.valid and index.method == "btree" and leads and not index.predicate:
                return index
        return None


@dataclass(frozen=True)
class _Place:
    """A source of rows in a scope; `merged` tells of USING or NATURAL, which merge columns."""

    node: exp.Expr
    nullable: bool
    merged: bool

    @property
    def opaque(self) -> bool:
        """Tell whether the source may bring in names that are not seen here: a join in parentheses."""
        return _alias(self.node) is None or bool(self.node.args.get("joins"))


def enclosing_scope(node: exp.Expr) -> exp.Expr | None:
    """Return the SELECT, UPDATE or DELETE whose FROM the names in `node` are looked up in first."""
    return node.find_ancestor(*SCOPES)


def only_source(scope: exp.Expr | None) -> exp.Table | None:
    """Return the table of a scope that has one source, which is a table."""
    sources = [] if scope is None else list(_sources(scope))
    if len(sources) != 1 or not isinstance(sources[0].node, exp.Table):
        return None
    return sources[0].node


def alias_of(source: exp.Table) -> exp.Identifier:
    """Return the identifier that qualifies columns of `source`."""
    alias = source.args.get("alias")
    identifier = alias.this if alias is not None and alias.this is not None else source.this
    assert isinstance(identifier, exp.Identifier)
    return identifier


def source_aliases(scope: exp.Expr) -> set[str | None]:
    """Return the names that qualify columns in a scope; None stands for a source without a name."""
    return {_alias(place.node) for place in _sources(scope)}


def _alias(source: exp.Expr) -> str | None:
    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
        return folded(alias_of(source))
    alias = source.args.get("alias")
    return folded(alias.this) if alias is not None and alias.this is not None else None


def _scopes(node: exp.Expr, known: Reached) -> Iterator[exp.Expr]:
    """Yield the scopes around a name, innermost first, as far out as they are surely visible.

    A subquery in FROM sees its neighbours only if it is LATERAL, so the search ends there, as at a CTE. What is `known` of
    the tree is added to.
    """
    inner = topmost(node, _is_no_edge, known)
    while (outer := inner.parent) is not None:
        if isinstance(outer, SCOPES):
            if inner.arg_key in ("from_", "using", "with_", "laterals"):
                return
            if isinstance(inner, exp.Join) and not _is_below(node, inner.args.get("on")):
                return
            yield outer
        else:
            return
        inner = topmost(outer, _is_no_edge, known)


def _is_no_edge(node: exp.Expr) -> bool:
    """Tell whether a name below it may mean what stands above it."""
    return not isinstance(node, _EDGES)


def _is_below(node: exp.Expr, ancestor: exp.Expr | None) -> bool:
    current: exp.Expr | None = node
    while current is not None and current is not ancestor:
        current = current.parent
    return current is not None


def _sources(scope: exp.Expr) -> Iterator[_Place]:
    """Yield the sources of a scope with the effect of its outer joins on each."""
    first = scope.args.get("from_")
    joins = scope.args.get("joins") or []
    listed = [first.this] if first is not None else []
    if not isinstance(scope, exp.Select):
        listed = [scope.this, *listed, *(scope.args.get("using") or [])]
    nested = [join for source in listed for join in source.args.get("joins") or []] if joins == [] else []
    sides = [str(join.args.get("side") or "") for join in joins]
    merged = any(join.args.get("using") or join.args.get("method") == "NATURAL" for join in [*joins, *nested])
    for source in listed:
        yield _Place(source, any(side in ("RIGHT", "FULL") for side in sides), merged)
    for number, join in enumerate(joins):
        own = sides[number] in ("LEFT", "FULL")
        yield _Place(join.this, own or any(side in ("RIGHT", "FULL") for side in sides[number + 1 :]), merged)
    for lateral in scope.args.get("laterals") or []:
        yield _Place(lateral, True, merged)
