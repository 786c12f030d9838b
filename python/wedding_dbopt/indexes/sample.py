"""Proof for GIN indexes, which HypoPG cannot simulate: build one on a sample of the table and look.

The caller's `Database` runs everything inside a subtransaction that is always rolled back. Reading the table
as the extension's owner means that no code of other people may run: the expressions must consist of immutable
functions of pg_catalog owned by a superuser, and columns of built-in types.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from ..catalog import Relation
from ..database import Database, DatabaseError
from ..plan import Plan
from .size import PAGE
from .statistics import row_count
from .terms import expression_sql as normalised
from .terms import qualified, quoted

SAMPLE_ROWS = 5000
_SAMPLE = "wd_index_sample"
_SEQ_PAGE_COST = 1.0
_RANDOM_PAGE_COST = 4.0
_CPU_TUPLE_COST = 0.01
_FIXED_GIN_PAGES = 2

# These are stable only because they may read the default text search configuration.
_STABLE_ALLOWED = ["to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery", "to_tsvector"]
_CAST_TYPES = frozenset(
    {"text", "varchar", "regconfig", "tsquery", "tsvector", "jsonb", "text[]", "varchar[]"}
)
_PLAIN = (
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
    exp.Coalesce,
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
_FOREIGN_TYPES = """
select a.attname
from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
where a.attrelid = $1 and a.attname = any($2) and t.typnamespace <> 'pg_catalog'::regnamespace
"""


@dataclass(frozen=True)
class Proof:
    """The condition's cost on the whole table without and with the index, and its bytes, extrapolated."""

    cost_before: float
    cost_after: float
    estimated_bytes: int
    sample_rows: int


@dataclass(frozen=True)
class Unproven:
    """Why there is no proof, in plain words."""

    reason: str


def prove_gin(
    database: Database, reader: Database, relation: Relation, expression_sql: str, condition_sql: str
) -> Proof | Unproven:
    """Try a GIN index on `expression_sql` for `condition_sql` on a sample of at most 5000 rows.

    Both texts name the table's columns without qualification. Nothing is left behind in the database. `database`
    reads the catalogue, `reader` the table: reading runs the functions of its policies.
    """
    try:
        expression, condition = _read(expression_sql), _read(condition_sql)
    except SqlglotError:
        return Unproven("the condition cannot be read")
    columns = sorted({column.name for column in condition.find_all(exp.Column)})
    refusal = _refusal(database, relation, [expression, condition], columns)
    if refusal is not None:
        return Unproven(refusal)
    try:
        with database.rolled_back():
            return _measure(reader, relation, expression, condition, columns)
    except DatabaseError as error:
        return Unproven(f"the sample failed: {error}")


def sample_sql(relation: Relation, columns: list[str]) -> str:
    """The statement that copies a repeatable sample of the needed columns into a temporary table."""
    rows = row_count(relation)
    percent = min(100.0, 150.0 * SAMPLE_ROWS / rows)
    method = (
        ""
        if relation.kind == "p" or percent >= 100
        else f" TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (1)"
    )
    listed = ", ".join(quoted(column) for column in columns)
    source = qualified(relation.schema, relation.name)
    return f"CREATE TEMPORARY TABLE {_SAMPLE} AS SELECT {listed} FROM {source}{method} LIMIT {SAMPLE_ROWS}"


def _measure(
    database: Database,
    relation: Relation,
    expression: exp.Expr,
    condition: exp.Expr,
    columns: list[str],
) -> Proof | Unproven:
    key = expression.sql("postgres")
    database.query("SELECT set_config('search_path', 'pg_catalog, pg_temp', true)")
    database.query(sample_sql(relation, columns))
    database.query(f"ANALYZE pg_temp.{_SAMPLE}")
    size = database.query(
        f"SELECT count(*)::float8 AS n, pg_relation_size('pg_temp.{_SAMPLE}')::float8 AS bytes "
        f"FROM pg_temp.{_SAMPLE}"
    )[0]
    if size["n"] < 1:
        return Unproven("the table's sample is empty")
    searched = _with_value(database, key, condition, size["n"])
    if searched is None:
        return Unproven("the searched value is a parameter and no typical value is known")
    kept = database.query(f"SELECT count(*)::float8 AS n FROM pg_temp.{_SAMPLE} WHERE {searched}")[0]["n"]
    before = _plan(database, searched)
    database.query(f"CREATE INDEX {_SAMPLE}_gin ON pg_temp.{_SAMPLE} USING gin (({key}))")
    database.query("SELECT set_config('enable_seqscan', 'off', true)")
    after = _plan(database, searched)
    if f"{_SAMPLE}_gin" not in after.indexes_used():
        return Unproven("the condition does not use the index")
    index_bytes = database.query(f"SELECT pg_relation_size('pg_temp.{_SAMPLE}_gin')::float8 AS n")[0]["n"]
    return _extrapolated(relation, {**size, "kept": kept, "index_bytes": index_bytes}, before, after)


def _extrapolated(relation: Relation, sample: dict[str, float], before: Plan, after: Plan) -> Proof:
    """The figures of the sample (rows `n`, `bytes`, rows `kept`, `index_bytes`) scaled to the table."""
    rows, factor = row_count(relation), row_count(relation) / sample["n"]
    per_row = max(before.total_cost - sample["bytes"] / PAGE * _SEQ_PAGE_COST, 0.0) / sample["n"]
    found = max(sample["kept"], 1.0) * factor
    pages = min(found, float(relation.pages))
    start = min((node.total_cost for node in after.walk() if node.type == "Bitmap Index Scan"), default=0.0)
    growing = max(sample["index_bytes"] - _FIXED_GIN_PAGES * PAGE, 0.0)
    return Proof(
        cost_before=relation.pages * _SEQ_PAGE_COST + rows * per_row,
        cost_after=start + pages * _RANDOM_PAGE_COST + found * (_CPU_TUPLE_COST + per_row),
        estimated_bytes=int(_FIXED_GIN_PAGES * PAGE + growing * factor),
        sample_rows=int(sample["n"]),
    )


def _plan(database: Database, condition: str) -> Plan:
    rows = database.query(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM pg_temp.{_SAMPLE} WHERE {condition}")
    return Plan.from_json(next(iter(rows[0].values())))


def _with_value(database: Database, key: str, condition: exp.Expr, rows: float) -> str | None:
    """The condition with a word of medium frequency for its parameter; None when that is impossible."""
    if condition.find(exp.Parameter) is None:
        return condition.sql("postgres")
    if not isinstance(condition, exp.MatchAgainst):
        return None
    words = database.query(
        "SELECT quote_literal(quote_literal(word)) AS word FROM ts_stat($1) "
        "ORDER BY abs(ndoc - $2), word LIMIT 1",
        ["text", "float8"],
        [f"SELECT {key} FROM pg_temp.{_SAMPLE}", rows / 100],
    )
    return f"{key} @@ {words[0]['word']}::tsquery" if words else None


def _read(text: str) -> exp.Expr:
    parsed = parse_one(f"SELECT 1 WHERE {text}", dialect="postgres").args["where"].this.unnest()
    return parse_one(normalised(parsed), dialect="postgres")


def _refusal(database: Database, relation: Relation, parts: list[exp.Expr], columns: list[str]) -> str | None:
    """Why reading the sample could run code of somebody else; None when it cannot."""
    if relation.kind not in ("r", "m"):
        return "only ordinary tables and materialised views can be sampled"
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
        names.add((node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower())
    wanted = sorted(names)
    found = database.query(_HARMLESS, ["text[]", "text[]"], [wanted, _STABLE_ALLOWED]) if wanted else []
    unknown = [name for name in wanted if name not in {row["proname"] for row in found}]
    if unknown:
        return f"{', '.join(unknown)} is no immutable built-in function"
    foreign = database.query(_FOREIGN_TYPES, ["oid", "text[]"], [relation.oid, columns])
    return f"column {foreign[0]['attname']} has a user's type" if foreign else None
