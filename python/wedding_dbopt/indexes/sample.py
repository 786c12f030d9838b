"""Proof for GIN and GiST indexes, which HypoPG cannot simulate: build one on a sample of the table and look.

The caller's `Database` runs everything inside a subtransaction that is always rolled back. Reading the table
as the extension's owner means that no code of other people may run: the expressions must consist of immutable
functions of pg_catalog owned by a superuser, and columns of built-in types or enums.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from ..catalog import Relation
from ..database import Database, DatabaseError
from ..plan import Plan
from .conditions import Search
from .definition import IndexDef
from .size import PAGE, KeyFacts
from .statistics import row_count
from .terms import expression_sql as normalised
from .terms import qualified, quoted

SAMPLE_ROWS = 5000
SAMPLE = "wd_index_sample"
_BLOCK = "tableoid::text || '/' || (ctid::text::point)[0]"
_PART = "wd_index_part"
_PARTS = 4
_FIXED_PAGES = 2

# These are stable only because they may read the default text search configuration, the time zone or the encoding.
_STABLE_ALLOWED = ["to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery", "to_tsvector"]
_STABLE_ALLOWED += ["extract", "date_trunc", "date", "length"]
# What sqlglot calls otherwise than PostgreSQL.
_NAMES = {exp.TimestampTrunc: "date_trunc", exp.Trim: "btrim", exp.Date: "date"}
_CAST_TYPES = frozenset(
    [
        "text",
        "varchar",
        "regconfig",
        "tsquery",
        "tsvector",
        "jsonb",
        "jsonpath",
        "text[]",
        "varchar[]",
        "date",
        "timestamp",
        "timestamptz",
        "int",
        "smallint",
        "bigint",
        "numeric",
        "decimal",
        "real",
        "double precision",
        "boolean",
        "uuid",
        "int[]",
        "bigint[]",
        "uuid[]",
        "daterange",
        "tsrange",
        "tstzrange",
        "int4range",
        "int8range",
        "numrange",
    ]
)
_PLAIN = (
    exp.And,
    exp.Or,
    exp.Not,
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.In,
    exp.Is,
    exp.Boolean,
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Paren,
    exp.Parameter,
    exp.DPipe,
    exp.MatchAgainst,
    exp.ArrayContainsAll,
    exp.ArrayOverlaps,
    exp.Array,
    exp.Null,
    exp.Like,
    exp.ILike,
    exp.RegexpLike,
    exp.RegexpILike,
    exp.ArrayContainedBy,
    exp.JSONBContainsTopKey,
    exp.JSONBContainsAnyTopKeys,
    exp.JSONBContainsAllTopKeys,
    exp.JSONBPathExists,
    exp.JSONExtract,
    exp.JSONExtractScalar,
    exp.JSONBExtract,
    exp.JSONBExtractScalar,
    exp.JSONPath,
    exp.JSONPathRoot,
    exp.JSONPathKey,
    exp.JSONPathSubscript,
    exp.DataTypeParam,
    exp.Coalesce,
    exp.Between,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Mod,
    exp.Var,
    exp.Cast,
    exp.DataType,
    exp.ObjectIdentifier,
)

_HARMLESS = """
select p.proname
from pg_catalog.pg_proc p join pg_catalog.pg_roles r on r.oid = p.proowner
where p.proname = any($1) and p.pronamespace = 'pg_catalog'::regnamespace
group by p.proname
having bool_and(r.rolsuper and p.prokind = 'f' and (p.provolatile = 'i' or p.proname = any($2)))
"""
_OPCLASS = """
select quote_ident(n.nspname) || '.' || quote_ident(o.opcname) as name
from pg_catalog.pg_opclass o
join pg_catalog.pg_namespace n on n.oid = o.opcnamespace
join pg_catalog.pg_am m on m.oid = o.opcmethod
where o.opcname = $1 and m.amname = 'gin'
  and (o.opcnamespace = 'pg_catalog'::regnamespace
       or exists (select from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
                  where d.classid = 'pg_catalog.pg_opclass'::regclass and d.objid = o.oid and d.deptype = 'e'
                    and d.refclassid = 'pg_catalog.pg_extension'::regclass and e.extname = 'pg_trgm'))
"""
# A value of medium frequency in the sample (`$1` times), as a literal of the key's own type.
_VALUES = {
    "tsvector": """select quote_literal(word) as value from ts_stat({stat}) order by abs(ndoc - $1), word limit 1""",
    "text": """select '%' || regexp_replace(substr({key}, length({key}) / 3 + 1, 6), '[\\_%]', '_', 'g') || '%' as value
        from pg_temp.{sample} where length({key}) > 5 order by md5({key}) limit 1""",
    "similar": """select {key} as value from pg_temp.{sample} where length({key}) > 5 order by md5({key}) limit 1""",
    "array": """select array[e.value]::text as value from pg_temp.{sample} s, unnest({key}) e (value)
        where e.value is not null group by e.value order by abs(count(*) - $1), e.value::text limit 1""",
    "jsonb": """select jsonb_build_object(e.key, e.value)::text as value from pg_temp.{sample} s,
        jsonb_each(case jsonb_typeof({key}) when 'object' then {key} else '{{}}' end) e
        group by e.key, e.value order by abs(count(*) - $1), e.key, e.value::text limit 1""",
    "keys": """select e.key as value from pg_temp.{sample} s,
        jsonb_each(case jsonb_typeof({key}) when 'object' then {key} else '{{}}' end) e
        group by e.key order by abs(count(*) - $1), e.key limit 1""",
    "range": """select ({key})::text as value from pg_temp.{sample} where not isempty({key})
        order by md5(({key})::text) limit 1""",
}
# An enum compares and is read by functions of pg_catalog, unless somebody has made a cast for it.
_FOREIGN_TYPES = """
select a.attname
from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
where a.attrelid = $1 and a.attname = any($2) and t.typnamespace <> 'pg_catalog'::regnamespace
  and not (t.typtype = 'e' and not exists (select from pg_catalog.pg_cast c where t.oid in (c.castsource, c.casttarget)))
"""


@dataclass(frozen=True)
class Proof:
    """The condition's cost on the whole table without and with the index, and its bytes, extrapolated."""

    cost_before: float
    cost_after: float
    estimated_bytes: int
    sample_rows: int
    opclass: str | None = None


@dataclass(frozen=True)
class Unproven:
    """Why there is no proof, in plain words."""

    reason: str


def prove_search(
    database: Database, reader: Database, relation: Relation, search: Search
) -> Proof | Unproven:
    """Try the index that `search` asks for on a sample of at most 5000 rows.

    Its texts name the table's columns without qualification. Nothing is left behind in the database. `database`
    reads the catalogue, `reader` the table: reading runs the functions of its policies.
    """
    try:
        expression, condition = read_text(search.expression), read_text(search.condition)
    except (SqlglotError, AttributeError, KeyError):
        return Unproven("the condition cannot be read")
    columns = sorted({column.name for column in condition.find_all(exp.Column)})
    refusal = refusal_of(database, relation, [expression, condition], columns)
    if refusal is not None:
        return Unproven(refusal)
    opclass = None
    if search.opclass is not None:
        found = database.query(_OPCLASS, ["name"], [search.opclass])
        if not found:
            return Unproven("an index of trigrams needs the extension pg_trgm (CREATE EXTENSION pg_trgm)")
        opclass = str(found[0]["name"])
    if search.family == "similar" and opclass is not None:
        condition = _qualified(condition, expression, opclass.rpartition(".")[0])
    try:
        with database.rolled_back():
            return _measure(reader, relation, search, expression, condition, columns, opclass)
    except DatabaseError as error:
        return Unproven(f"the sample failed: {error}")


def _qualified(condition: exp.Expr, key: exp.Expr, schema: str) -> exp.Expr:
    """The condition with the operator of similarity in the schema of its operator class."""

    def of_schema(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Mod) or key not in (node.this, node.expression):
            return node
        return exp.Operator(this=node.this, operator=f"{schema}.%", expression=node.expression)

    return condition.transform(of_schema)


def measured_keys(
    database: Database, reader: Database, relation: Relation, index: IndexDef
) -> KeyFacts | None:
    """Different keys of an index on the whole table and the widths of its expressions, from a sample.

    Statistics know neither: columns that depend on each other have fewer combinations than the product of their values.
    None where the sample may not be read or says nothing. Nothing is left behind in the database.
    """
    try:
        parts = [read_text(key.term.sql) for key in index.columns]
        predicate = read_text(index.where) if index.where is not None else None
    except (SqlglotError, AttributeError, KeyError):
        return None
    named = {column.name for column in predicate.find_all(exp.Column)} if predicate is not None else set()
    columns = sorted({*named, *(column for key in index.columns for column in key.term.columns)})
    asked = [*parts, predicate] if predicate is not None else parts
    if refusal_of(database, relation, asked, columns) is not None:
        return None
    where = f" WHERE {predicate.sql('postgres')}" if predicate is not None else ""
    keys = [part.sql("postgres") for part in parts]
    # In a row a value is packed as in an index, behind 24 bytes.
    sizes = ", ".join(
        f"(avg(pg_column_size(row({key}))) - 24)::float8 AS width{n}, min(pg_typeof({key})::text) AS kind{n}"
        for n, key in enumerate(keys)
    )
    groups = ", ".join(f"({key})" for key in keys)
    block = "wd_block"
    while block in columns:
        block += "_"
    try:
        with database.rolled_back():
            reader.query("SELECT set_config('search_path', 'pg_catalog, pg_temp', true)")
            reader.query(sample_sql(relation, columns, f"{_BLOCK} AS {block}"))
            everything = reader.query(f"SELECT count(*)::float8 AS rows FROM pg_temp.{SAMPLE}")[0]["rows"]
            widths = reader.query(f"SELECT {sizes} FROM pg_temp.{SAMPLE}{where}")[0]
            counted = reader.query(
                "SELECT count(*)::float8 AS groups, coalesce(sum(n), 0)::float8 AS rows, "
                "coalesce(sum(blocks), 0)::float8 AS blocks, count(*) FILTER (WHERE blocks = 1)::float8 AS single "
                f"FROM (SELECT count(*) AS n, count(DISTINCT {block}) AS blocks "
                f"FROM pg_temp.{SAMPLE}{where} GROUP BY {groups}) g"
            )[0]
    except DatabaseError:
        return None
    if counted["rows"] < 1:
        return KeyFacts(0.0, (), 0.0) if predicate is not None and everything > 0 else None
    share = counted["rows"] / everything if predicate is not None else None
    # P. Haas, L. Stokes 1998, as ANALYZE estimates the distinct values of a column. Theirs are rows drawn one by one; here
    # whole blocks are, and a key that fills a block is seen again and again. So it counts once for each block.
    seen, groups_seen, single = counted["blocks"], counted["groups"], counted["single"]
    rows = row_count(relation) * (1.0 if share is None else share) * seen / counted["rows"]
    distinct = seen * groups_seen / (seen - single + single * seen / max(rows, seen))
    measured = tuple((key.term, widths[f"width{n}"] or 0.0) for n, key in enumerate(index.columns))
    return KeyFacts(distinct, measured, share, tuple(str(widths[f"kind{n}"]) for n in range(len(keys))))


@dataclass(frozen=True)
class Sampler:
    """Samples the tables of a database, each through the session that may read it (schema and name -> reader)."""

    database: Database
    reader: Callable[[str, str], Database]

    def prove(self, relation: Relation, search: Search) -> Proof | Unproven:
        return prove_search(self.database, self.reader(relation.schema, relation.name), relation, search)

    def measure(self, relation: Relation, index: IndexDef) -> KeyFacts | None:
        return measured_keys(self.database, self.reader(relation.schema, relation.name), relation, index)


def sample_sql(relation: Relation, columns: list[str], more: str | None = None) -> str:
    """The statement that copies a repeatable sample of the needed columns, and an expression, into a temporary table."""
    listed = [quoted(column) for column in columns] + ([more] if more is not None else [])
    source = sample_source(relation, listed)
    return f"CREATE TEMPORARY TABLE {SAMPLE} AS {source[1:-1]}"


def sample_source(relation: Relation, listed: list[str]) -> str:
    """A subselect, in parentheses, of a repeatable sample; `listed` are quoted names."""
    rows = row_count(relation)
    # More would be cut off by the limit, always at the table's end, where its newest rows are.
    percent = min(100.0, 100.0 * SAMPLE_ROWS / rows)
    method = "" if percent >= 100 else f" TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (1)"
    source = qualified(relation.schema, relation.name)
    return f"(SELECT {', '.join(listed)} FROM {source}{method} LIMIT {SAMPLE_ROWS})"


def _measure(
    database: Database,
    relation: Relation,
    search: Search,
    expression: exp.Expr,
    condition: exp.Expr,
    columns: list[str],
    opclass: str | None,
) -> Proof | Unproven:
    key = expression.sql("postgres")
    database.query("SELECT set_config('search_path', 'pg_catalog, pg_temp', true)")
    database.query(sample_sql(relation, columns))
    database.query(f"ANALYZE pg_temp.{SAMPLE}")
    size = database.query(
        f"SELECT count(*)::float8 AS n, pg_relation_size('pg_temp.{SAMPLE}')::float8 AS bytes, "
        "current_setting('seq_page_cost')::float8 AS seq_page, current_setting('random_page_cost')::float8 AS random_page, "
        f"current_setting('cpu_tuple_cost')::float8 AS tuple FROM pg_temp.{SAMPLE}"
    )[0]
    if size["n"] < 1:
        return Unproven("the table's sample is empty")
    searched = with_value(database, search, key, condition, size["n"])
    if searched is None:
        return Unproven("the searched value is a parameter and no typical value is known")
    kept = database.query(f"SELECT count(*)::float8 AS n FROM pg_temp.{SAMPLE} WHERE {searched}")[0]["n"]
    before = _plan(database, SAMPLE, searched)
    database.query("SELECT set_config('enable_seqscan', 'off', true)")
    database.query(
        f"CREATE TEMPORARY TABLE {_PART} AS SELECT * FROM pg_temp.{SAMPLE} LIMIT {max(size['n'] // _PARTS, 1):.0f}"
    )
    database.query(f"ANALYZE pg_temp.{_PART}")
    body = f"USING {search.method} (({key}) {opclass or ''})"
    plans, bytes_of = {}, {}
    for table in (_PART, SAMPLE):
        database.query(f"CREATE INDEX {table}_index ON pg_temp.{table} {body}")
        plans[table] = _plan(database, table, searched)
        bytes_of[table] = database.query(f"SELECT pg_relation_size('pg_temp.{table}_index')::float8 AS n")[0][
            "n"
        ]
    if f"{SAMPLE}_index" not in plans[SAMPLE].indexes_used():
        return Unproven("the condition does not use the index")
    costs = {table: _index_cost(plan) for table, plan in plans.items()}
    figures = {**size, "kept": kept, "part_bytes": bytes_of[_PART], "index_bytes": bytes_of[SAMPLE]}
    figures |= {"part_cost": costs[_PART], "index_cost": costs[SAMPLE]}
    return _extrapolated(relation, search.family, figures, before, opclass)


def _extrapolated(
    relation: Relation, family: str, sample: dict[str, float], before: Plan, opclass: str | None
) -> Proof:
    """The figures of the sample (rows `n`, `bytes`, rows `kept`) and of its part, scaled to the table."""
    rows, factor = row_count(relation), row_count(relation) / sample["n"]
    per_row = max(before.total_cost - sample["bytes"] / PAGE * sample["seq_page"], 0.0) / sample["n"]
    found = max(sample["kept"], 1.0) * factor
    pages = min(found, float(relation.pages))
    slope = max(sample["index_cost"] - sample["part_cost"], 0.0) / sample["n"] * _PARTS / (_PARTS - 1)
    start = sample["index_cost"] + slope * max(rows - sample["n"], 0.0)
    return Proof(
        cost_before=relation.pages * sample["seq_page"] + rows * per_row,
        cost_after=start + pages * sample["random_page"] + found * (sample["tuple"] + per_row),
        estimated_bytes=_grown(family, sample["part_bytes"], sample["index_bytes"], factor),
        sample_rows=int(sample["n"]),
        opclass=opclass,
    )


def _grown(family: str, part: float, whole: float, factor: float) -> int:
    """Bytes at `factor` times the rows, from the sizes on the sample and on a quarter of it.

    Entries that rows share are stored once, so the first rows take more than later ones: a line through both sizes. The
    values of documents repeat ever more, so there it is a power of the rows.
    """
    more = max(factor - 1.0, 0.0)
    if family != "jsonb":
        return int(whole + max(whole - part, 0.0) * _PARTS / (_PARTS - 1) * more)
    fixed = _FIXED_PAGES * PAGE
    growing, less = max(whole - fixed, 0.0), max(part - fixed, 0.0)
    power = min(math.log(growing / less, _PARTS), 1.0) if growing >= less > 0 else 1.0
    return int(fixed + growing * (1.0 + more) ** power)


def _index_cost(plan: Plan) -> float:
    """What the scans of the index alone cost."""
    bitmaps = [node.children[0] for node in plan.walk() if node.type == "Bitmap Heap Scan"]
    return bitmaps[0].total_cost if bitmaps else 0.0


def _plan(database: Database, table: str, condition: str) -> Plan:
    rows = database.query(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM pg_temp.{table} WHERE {condition}")
    return Plan.from_json(next(iter(rows[0].values())))


def with_value(database: Database, search: Search, key: str, condition: exp.Expr, rows: float) -> str | None:
    """The condition with a value of medium frequency for its parameter; None when that is impossible."""
    if condition.find(exp.Parameter) is None:
        return condition.sql("postgres")
    keys = isinstance(condition, (exp.JSONBContainsAnyTopKeys, exp.JSONBContainsAllTopKeys))
    one = keys or isinstance(condition, exp.JSONBContainsTopKey)
    if isinstance(condition, exp.JSONBPathExists):
        return None
    stat = exp.Literal.string(f"SELECT {key} FROM pg_temp.{SAMPLE}").sql("postgres")
    text = _VALUES["keys" if one else search.family].format(key=key, sample=SAMPLE, stat=stat)
    wants = "$1" in text
    found = database.query(text, ["float8"] if wants else [], [rows / 100] if wants else [])
    if not found or found[0]["value"] is None:
        return None
    value: exp.Expr = exp.Literal.string(found[0]["value"])
    if search.family == "tsvector":
        return f"{key} @@ {value.sql('postgres')}::tsquery"
    if keys:
        value = exp.Array(expressions=[value])
    for side in ("this", "expression"):
        if condition.args[side].find(exp.Parameter) is not None:
            condition = condition.copy()
            condition.set(side, value)
    return condition.sql("postgres")


def read_text(text: str) -> exp.Expr:
    """The tree of a key or condition, as an index definition writes it."""
    parsed = parse_one(f"SELECT 1 WHERE {text}", dialect="postgres").args["where"].this.unnest()
    return parse_one(normalised(parsed), dialect="postgres")


def refusal_of(
    database: Database, relation: Relation, parts: list[exp.Expr], columns: list[str]
) -> str | None:
    """Why reading the sample could run code of somebody else; None when it cannot."""
    if relation.kind not in ("r", "m", "p") or not relation.local:
        return "only tables of this server and materialised views can be sampled"
    if not columns or any(column not in relation.columns for column in columns):
        return "the condition names no columns of the table or unknown ones"
    names: set[str] = set()
    for node in (node for part in parts for node in part.walk()):
        if isinstance(node, exp.Cast) and node.to.sql("postgres").lower() not in _CAST_TYPES:
            return f"a cast to {node.to.sql('postgres')} may run a user's function"
        if isinstance(node, _PLAIN):
            continue
        if not isinstance(node, exp.Func) or node.find_ancestor(exp.Dot) is not None:
            return f"{type(node).__name__} is not known to be harmless"
        called = node.name if isinstance(node, exp.Anonymous) else _NAMES.get(type(node), node.sql_name())
        names.add(str(called).lower())
    wanted = sorted(names)
    found = database.query(_HARMLESS, ["text[]", "text[]"], [wanted, _STABLE_ALLOWED]) if wanted else []
    unknown = [name for name in wanted if name not in {row["proname"] for row in found}]
    if unknown:
        return f"{', '.join(unknown)} is no immutable built-in function"
    foreign = database.query(_FOREIGN_TYPES, ["oid", "text[]"], [relation.oid, columns])
    return f"column {foreign[0]['attname']} has a user's type" if foreign else None
