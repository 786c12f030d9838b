"""What a statement, a utility statement or a function's body touches: tables, functions, columns, a comment's tags."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from wedding_dbopt.errors import UnsupportedStatement, stack_bound
from wedding_dbopt.query import (
    Query,
    Table,
    Token,
    defining_cte,
    folded,
    is_target,
    named,
    single_statement,
    table_nodes,
    tokens,
    unquoted,
)
from wedding_dbopt.tree import flattened

#: `written` is the target of a DML statement, `driving` the first table of FROM, through subqueries and CTEs, `nested`
#: one that is only looked up in a subquery of a condition or a result column.
Role = Literal["written", "driving", "joined", "nested"]

_COMMENT = re.compile(r"/\*(.*?)\*/|--([^\n\r]*)", re.DOTALL)
#: sqlcommenter writes key='value', marginalia key:value.
_TAG = re.compile(  # from the beginning of a word on only: a long one would else be read again from each of its letters
    r"(?<!\w)([A-Za-z_]\w*)\s*(?:=\s*'((?:[^'\\]|\\.)*)'|[:=]\s*([^\s,'*]+))"
)
#: Tags that name a part of the program; others (trace ids, drivers, hosts) say nothing of the business.
_TAG_KEYS = frozenset(
    [
        "app",
        "application",
        "controller",
        "namespaced_controller",
        "controller_with_namespace",
        "action",
        "route",
        "path",
        "endpoint",
        "job",
        "job_class",
        "handler",
        "operation",
        "operationname",
        "resolver",
        "feature",
        "model",
        "service",
    ]
)
_WRITES = (("insert", "into"), ("merge", "into"), ("delete", "from"))
_NAME_KINDS = ("word", "quoted")


@dataclass(frozen=True)
class Touched:
    """Tables with their roles, functions as (schema, name), and names of columns, each in the order of the text.

    `guessed` tells that nothing was parsed: names that the catalogue does not know are no tables.
    """

    tables: tuple[tuple[Table, Role], ...] = ()
    functions: tuple[tuple[str | None, str], ...] = ()
    columns: tuple[str, ...] = ()
    guessed: bool = False

    @classmethod
    def of_all(cls, parts: Iterable[Touched]) -> Touched:
        """What all of them touch."""
        found = list(parts)
        return cls(
            tuple(table for part in found for table in part.tables),
            tuple(function for part in found for function in part.functions),
            tuple(column for part in found for column in part.columns),
            any(part.guessed for part in found),
        )


@stack_bound
def touched(query: Query) -> Touched:
    """What a parsed statement touches. Functions that the parser knows by name are the server's own. Raises TooDeep."""
    driving = {id(node) for node in _driving(query.tree, set())}

    def role(node: exp.Table) -> Role:
        if is_target(node):
            return "written"
        return "driving" if id(node) in driving else "nested" if _is_nested(node) else "joined"

    columns = [folded(node.this) for node in query.tree.find_all(exp.Column) if node.name != "*"]
    for insert in query.tree.find_all(exp.Insert):
        if isinstance(insert.this, exp.Schema):
            columns += [folded(column) for column in insert.this.expressions]
    return Touched(
        tuple((named(node), role(node)) for node in table_nodes(query.tree)),
        tuple(dict.fromkeys(_function(node) for node in query.tree.find_all(exp.Anonymous))),
        tuple(dict.fromkeys(columns)),
    )


def touched_by_text(text: str) -> Touched:
    """What any statement touches, utility statements too. Raises DboptError."""
    try:
        return touched(Query.parse(text))
    except UnsupportedStatement:
        return Touched.of_all(touched(Query.parse(statement)) for statement in stand_ins(text))


def touched_by_body(body: str) -> Touched:
    """What the body of an SQL or PL/pgSQL function names behind FROM, JOIN, INTO and UPDATE, and what it may call.

    Nothing is parsed but tokens, so some names are variables or columns: ask the catalogue. Raises DboptError.
    """
    found = list(tokens(body))
    words = [body[token.start : token.end].lower() for token in found]
    written: list[Table] = []
    read: list[Table] = []
    functions: list[tuple[str | None, str]] = []
    for index, word in enumerate(words):
        before = words[index - 1] if index else ""
        start = index + 1
        while words[start : start + 1] in (["only"], ["("], ["lateral"]):
            start += 1
        if (before, word) in _WRITES or (word == "update" and before not in ("for", "do", "key")):
            written += _names(body, found, start)[:1]
        elif word in ("from", "join") or (word == "using" and words[start - 1] != "("):
            read += _names(body, found, start)
        elif word == "(" and index and found[index - 1].kind in _NAME_KINDS:
            functions += [_called(body, found, index)]
    tables: list[tuple[Table, Role]] = [(table, "written") for table in written]
    tables += [(table, "joined" if number or written else "driving") for number, table in enumerate(read)]
    return Touched(tuple(tables), tuple(dict.fromkeys(functions)), guessed=True)


def stand_ins(text: str) -> list[str]:
    """Statements with a plan that touch what a utility statement touches; none where it touches no table's rows.

    EXPLAIN, DECLARE and PREPARE give the statement inside, CALL a SELECT of the procedure; COPY FROM, REFRESH and
    TRUNCATE write, the others read.
    """
    statement = single_statement(text)
    found = list(tokens(statement))
    words = [statement[token.start : token.end].lower() for token in found]

    def rest(index: int) -> list[str]:
        return [statement[found[index].start :]] if index < len(found) else []

    def behind(word: str) -> list[str]:
        depth = 0
        for index, each in enumerate(words):
            depth += (each == "(") - (each == ")")
            if each == word and depth == 0:
                return rest(index + 1)
        return []

    def on_each(template: str, index: int) -> list[str]:
        return [template.format(_quoted(table)) for table in _names(statement, found, index)]

    def options(index: int, *flags: str) -> int:
        if words[index : index + 1] == ["("]:
            index = _closing(words, index) + 1
        while index < len(words) and words[index] in flags:
            index += 1
        return index

    if len(found) < 2:
        return []
    first = words[0]
    if first == "explain":
        return rest(options(1, "analyze", "analyse", "verbose"))
    if first in ("declare", "prepare"):
        return behind("for" if first == "declare" else "as")
    if first == "call":
        return [f"select {statement[found[1].start :]}"]
    if first == "copy" and words[1] == "(":
        return [statement[found[2].start : found[_closing(words, 1)].start]] if len(found) > 2 else []
    if first == "copy":
        writes = "from" in words and "to" not in words[: words.index("from")]
        return on_each("insert into {} default values" if writes else "select 1 from {}", 1)[:1]
    if first == "truncate":
        return on_each("delete from {}", options(1, "table"))
    if first == "refresh":
        return on_each("insert into {} default values", options(1, "materialized", "view", "concurrently"))
    if first == "lock":
        return on_each("select 1 from {}", options(1, "table"))
    if first in ("vacuum", "analyze", "analyse", "cluster"):
        return on_each("select 1 from {}", options(1, "full", "freeze", "verbose", "analyze", "analyse"))
    return []


def tags(text: str) -> tuple[tuple[str, str], ...]:
    """The (key, value) pairs in a statement's comments that name a part of the program. Raises DboptError."""
    edges = [0, *(edge for token in tokens(text) for edge in (token.start, token.end)), len(text)]
    between = "\n".join(text[start:end] for start, end in zip(edges[::2], edges[1::2]))
    found = []
    for comment in _COMMENT.finditer(between):
        for key, quoted, plain in _TAG.findall(comment.group(1) or comment.group(2) or ""):
            if key.lower() in _TAG_KEYS:
                from urllib.parse import unquote  # few statements carry a tag

                found.append((key.lower(), unquote(quoted or plain)))
    return tuple(dict.fromkeys(found))


def _driving(node: exp.Expr | None, seen: set[int]) -> list[exp.Table]:
    """Return the table nodes that drive a query: the first source of FROM that leads to a table."""
    if node is None or id(node) in seen:
        return []
    seen.add(id(node))
    if isinstance(node, exp.Table):
        cte = defining_cte(node) if isinstance(node.this, exp.Identifier) else None
        return _driving(cte.this, seen) if cte is not None else [node]
    if isinstance(node, exp.SetOperation):
        return [table for branch in flattened(node, exp.SetOperation) for table in _driving(branch, seen)]
    if isinstance(node, exp.Subquery):
        return _driving(node.this, seen)
    if isinstance(node, exp.DML):
        return []
    source = node.args.get("from_")
    sources = [source.this] if source is not None else []
    sources += [join.this for join in node.args.get("joins") or ()]
    return next((found for found in (_driving(source, seen) for source in sources) if found), [])


def _is_nested(node: exp.Expr) -> bool:
    inner = node
    while (outer := inner.parent) is not None:
        if isinstance(outer, (exp.Condition, exp.Where, exp.Having)) and not isinstance(outer, exp.Subquery):
            return True
        if isinstance(outer, exp.Select) and inner.arg_key == "expressions":
            return True
        inner = outer
    return False


def _function(node: exp.Anonymous) -> tuple[str | None, str]:
    name = folded(node.this) if isinstance(node.this, exp.Identifier) else str(node.this).lower()
    holder = node.parent
    schema = None
    if isinstance(holder, exp.Dot) and holder.expression is node:
        schema = holder.this
    elif isinstance(holder, exp.Table) and holder.this is node:
        schema = holder.args.get("db")
    return (folded(schema) if isinstance(schema, exp.Identifier) else None, name)


def _names(text: str, found: list[Token], index: int) -> list[Table]:
    """The comma-separated names from a token on, each behind ONLY and before a star, an alias, a list of columns."""
    words = [text[token.start : token.end].lower() for token in found]
    names: list[Table] = []
    while True:
        if words[index : index + 1] == ["only"]:
            index += 1
        if index >= len(found) or found[index].kind not in _NAME_KINDS:
            return names
        parts = [_identifier(text, found[index])]
        while words[index + 1 : index + 2] == ["."] and index + 2 < len(found):
            index += 2
            parts.append(_identifier(text, found[index]))
        names.append(Table(parts[-2] if len(parts) > 1 else None, parts[-1], parts[-1]))
        index += 1
        if words[index : index + 1] in (["*"], ["as"]):
            index += 1
        if index < len(found) and found[index].kind in _NAME_KINDS:
            index += 1
        if words[index : index + 1] == ["("]:
            index = _closing(words, index) + 1
        if words[index : index + 1] != [","]:
            return names
        index += 1


def _called(text: str, found: list[Token], index: int) -> tuple[str | None, str]:
    """The name before the bracket at `index`."""
    name = _identifier(text, found[index - 1])
    dotted = index > 2 and text[found[index - 2].start] == "." and found[index - 3].kind in _NAME_KINDS
    return (_identifier(text, found[index - 3]) if dotted else None, name)


def _closing(words: list[str], index: int) -> int:
    """The place of the bracket that closes the one at `index`; the last place where none does."""
    depth = 0
    for place in range(index, len(words)):
        depth += (words[place] == "(") - (words[place] == ")")
        if depth == 0:
            return place
    return len(words) - 1


def _identifier(text: str, token: Token) -> str:
    name = text[token.start : token.end]
    if token.kind == "quoted":
        return unquoted(name)
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def _quoted(table: Table) -> str:
    parts = [part for part in (table.schema, table.name) if part is not None]
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)
