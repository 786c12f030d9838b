"""One statement: its exact end, its parse tree, the tables it touches, a text that PREPARE accepts.

Texts come from callers and from pg_stat_statements; neither is trusted. `single_statement` is the
security boundary: it reads the text as PostgreSQL's own lexer does (standard_conforming_strings on)
and lets one statement through. sqlglot, whose lexer is more forgiving, sees only what passed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import sqlglot
from sqlglot import exp

from wedding_dbopt.errors import (
    DboptError,
    MultipleStatements,
    QueryRequired,
    UnparsableQuery,
    UnsupportedStatement,
)

logging.getLogger("sqlglot").setLevel(logging.ERROR)

Kind = Literal["select", "insert", "update", "delete", "merge"]

LONGEST_TEXT = 1_000_000  # characters
DEEPEST_NESTING = 100  # open brackets or CASEs; the compiled parser has no guard of its own stack
MOST_OPEN_JOINS = 8  # JOINs still waiting for their ON: the parser's time doubles with each
LONGEST_CHAIN = 50  # pairs of `_NATIVE_CHAINS`: recursion without brackets

_BLANKS = " \t\n\r\f\v"
# Classes of what an identifier may not hold, all ASCII: one that names the rest of Unicode takes long to compile.
_IDENTIFIER_START = r"[^\x00-@\[-^`{-\x7f]"
_IDENTIFIER_REST = r"[^\x00-/:-@\[-^`{-\x7f]"
_WORD_REST = r"[^\x00-\#%-/:-@\[-^`{-\x7f]"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n\r\f\v]+ | --[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]')
    | (?P<string>(?:[bBxXnN]|[uU]&)?')
    | (?P<quoted>(?:[uU]&)?")
    | (?P<dollar>\$(?:{_IDENTIFIER_START}{_IDENTIFIER_REST}*)?\$)
    | (?P<parameter>\$[0-9]+)
    | (?P<number>0[xX](?:_?[0-9A-Fa-f])+ | 0[oO](?:_?[0-7])+ | 0[bB](?:_?[01])+
        | (?:[0-9](?:_?[0-9])*(?:\.(?!\.)(?:[0-9](?:_?[0-9])*)?)? | \.[0-9](?:_?[0-9])*)
          (?:[eE][-+]?[0-9](?:_?[0-9])*)?)
    | (?P<word>{_IDENTIFIER_START}{_WORD_REST}*)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_IDENTIFIER = re.compile(_IDENTIFIER_START)
# sqlglot takes `$1,$` for the opening of a dollar-quoted string, if no white space stands in it.
_PARAMETER_LIKE_QUOTE = re.compile(r"[^\s$]+\$")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_BODY = {
    "string": re.compile(r"[^']*(?:''[^']*)*'(?!')"),
    "escaped": re.compile(r"[^'\\]*(?:(?:\\.|'')[^'\\]*)*'(?!')", re.DOTALL),
    "quoted": re.compile(r'[^"]*(?:""[^"]*)*"(?!")'),
}
# A string goes on, in its own mode, behind white space that holds a newline; `--` comments are white space.
_CONTINUATION = re.compile(r"(?:[ \t\f\v]|--[^\n\r]*(?![^\n\r]))*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NATIVE_CHAINS = frozenset([("]", "["), ("from", "from")])
_PLANNED = _words("select insert update delete merge with values table")
_COMMANDS = _words(
    """abort alter analyse analyze begin call checkpoint close cluster comment commit copy create
    deallocate declare discard do drop end execute explain fetch grant import listen load lock move
    notify prepare reassign refresh reindex release reset revoke rollback savepoint security set
    show start truncate unlisten vacuum"""
)
_ROOTS: tuple[tuple[type[exp.Expr], Kind], ...] = (
    (exp.Insert, "insert"),
    (exp.Update, "update"),
    (exp.Delete, "delete"),
    (exp.Merge, "merge"),
    (exp.Query, "select"),
    (exp.Values, "select"),
)

# Words that may stand before a parameter; any other word before one is the type of a literal.
_BEFORE_VALUE = _words(
    """all and any array as asymmetric between both by case content current default distinct document
    else escape except exists first for from groups having ilike in intersect is isnull join key
    leading like limit next not notnull of offset on only or over overlaps passing path placing
    preceding range returning row rows select set similar some symmetric then to trailing uescape
    union using value values variadic when where with zone"""
)
_TWO_WORD_TYPES = frozenset(
    [
        ("double", "precision"),
        ("character", "varying"),
        ("char", "varying"),
        ("bit", "varying"),
        ("national", "character"),
        ("national", "char"),
        ("nchar", "varying"),
    ]
)


class Token(NamedTuple):
    """One token; `start` and `end` are offsets in characters, `kind` a group name of the lexer."""

    kind: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of `text` as PostgreSQL's lexer splits it, without white space and comments.

    Kinds: word, quoted (identifier), string, escaped, dollar (strings), number, parameter, and symbol
    (one character). Raises UnparsableQuery where a string, identifier or comment does not end.
    """
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None and match.lastgroup is not None  # `symbol` matches any character
        kind, start, position = match.lastgroup, position, match.end()
        if kind == "comment":
            position = _comment_end(text, position)
        elif kind in _BODY:
            position = _quoted_end(text, position, kind)
        elif kind == "dollar":
            closing = text.find(match.group(), position)
            if closing < 0:
                raise UnparsableQuery("A dollar-quoted string is not closed")
            position = closing + len(match.group())
        elif kind in ("number", "parameter") and _IDENTIFIER.match(text, position):
            raise UnparsableQuery(f"Trailing junk after {text[start:position]}")
        if kind not in ("space", "comment"):
            yield Token(kind, start, position)


def _comment_end(text: str, position: int) -> int:
    depth = 1
    for edge in _COMMENT_EDGE.finditer(text, position):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise UnparsableQuery("A comment is not closed")


def _quoted_end(text: str, position: int, kind: str) -> int:
    while True:
        body = _BODY[kind].match(text, position)
        if body is None:
            what = "A quoted identifier" if kind == "quoted" else "A string"
            raise UnparsableQuery(f"{what} is not closed")
        continuation = None if kind == "quoted" else _CONTINUATION.match(text, body.end())
        if continuation is None:
            return body.end()
        position = continuation.end()


def single_statement(text: str) -> str:
    """Return the one statement in `text`, from its first comment or token to its last token.

    White space, semicolons and comments behind the statement are cut off. Raises QueryRequired when there
    is no token but semicolons, MultipleStatements when any token but another semicolon follows a semicolon,
    UnparsableQuery when something quoted does not end or the text holds a NUL byte.
    """
    if "\0" in text:
        raise UnparsableQuery("The statement contains a NUL byte")
    end = 0
    closed = False
    for token in tokens(text):
        if text[token.start] == ";" and token.kind == "symbol":
            closed = True
        elif closed:
            raise MultipleStatements("Only one statement can be analysed at a time")
        else:
            end = token.end
    if end == 0:
        raise QueryRequired()
    return text[:end].lstrip(_BLANKS)


@dataclass(frozen=True)
class Table:
    """A table as the statement names it; unquoted names are folded to lower case.

    `schema` is None where the search path decides; `alias` is the name itself where there is no alias.
    """

    schema: str | None
    name: str
    alias: str


@dataclass(frozen=True)
class Query:
    """A parsed statement.

    `text` is the statement as given, trimmed. `plannable` is the same text with the few forms repaired that
    pg_stat_statements leaves and PREPARE refuses (`interval $1`, `extract($1 from x)`), and with a space where
    the parser would take `($1,$2)` for a string; it has the same parameters. `tree` is sqlglot's tree of
    `plannable` (treat it as read-only). `tables` are the tables named anywhere in the statement, in the order of
    the text, without CTEs and functions; `written` are those that it inserts into, updates, deletes from or
    merges into. `parameter_count` is the highest n of `$n`.
    """

    text: str
    tree: exp.Expr
    kind: Kind
    tables: tuple[Table, ...]
    written: tuple[Table, ...]
    parameter_count: int
    plannable: str

    @classmethod
    def parse(cls, text: str) -> Query:
        """Parse one statement.

        Raises QueryRequired, MultipleStatements, UnparsableQuery, or UnsupportedStatement (no plan: DDL, SET,
        COPY, SELECT INTO), and nothing else, whatever the text.
        """
        if len(text) > LONGEST_TEXT:
            raise UnparsableQuery(
                f"The statement is longer than {LONGEST_TEXT} characters",
                hint="Pass long lists of values as one array parameter.",
            )
        statement = single_statement(text)
        found = list(tokens(statement))
        _refuse_command(statement, found)
        _refuse_too_deep(statement, found)
        try:
            return cls._of_tokens(statement, found)
        except RecursionError as error:
            raise _too_deep() from error
        except DboptError:
            raise
        except Exception as error:  # a parser met by hostile text fails in many ways; all mean the same
            raise UnparsableQuery("The statement could not be parsed", detail=str(error)) from error

    @classmethod
    def _of_tokens(cls, statement: str, found: list[Token]) -> Query:
        plannable = _plannable(statement, found)
        trees = sqlglot.parse(plannable, dialect="postgres")
        tree = trees[0] if len(trees) == 1 else None
        kind = next((kind for root, kind in _ROOTS if isinstance(tree, root)), None)
        if tree is None or kind is None:
            raise UnparsableQuery("The text is not one statement")
        if isinstance(tree, exp.Update) and not tree.expressions:
            raise UnparsableQuery("The UPDATE sets nothing")
        if tree.find(exp.Into):
            raise UnsupportedStatement(
                "SELECT INTO makes a table", hint="Analyse the SELECT without its INTO."
            )
        nodes = table_nodes(tree)
        numbers = (
            int(statement[token.start + 1 : token.end]) for token in found if token.kind == "parameter"
        )
        return cls(
            text=statement,
            tree=tree,
            kind=kind,
            tables=tuple(dict.fromkeys(named(node) for node in nodes)),
            written=tuple(dict.fromkeys(named(node) for node in nodes if is_target(node))),
            parameter_count=max(numbers, default=0),
            plannable=plannable,
        )


def table_nodes(tree: exp.Expr) -> list[exp.Table]:
    """Return the nodes under `tree` that name a table, in the order of the text: no CTE, no function."""
    named_nodes = [
        node
        for node in tree.find_all(exp.Table)
        if isinstance(node.this, exp.Identifier)
        and not isinstance(node.parent, exp.Lock)
        and (is_target(node) or defining_cte(node) is None)
    ]
    return sorted(named_nodes, key=lambda node: int(node.this.meta.get("start", 0)))


def defining_cte(node: exp.Table) -> exp.CTE | None:
    """Return the common table expression of an enclosing WITH that the name in `node` means, if any."""
    if node.args.get("db"):
        return None
    name = folded(node.this)
    inner: exp.Expr = node
    defined: exp.Expr | None = None
    while (outer := inner.parent) is not None:
        if isinstance(inner, exp.CTE):
            defined = inner
        if isinstance(outer, exp.With):
            visible = outer.expressions
            if not outer.args.get("recursive"):
                visible = visible[: next(i for i, cte in enumerate(visible) if cte is defined)]
        else:
            clause = outer.args.get("with_")
            visible = clause.expressions if clause is not None and clause is not inner else []
        for cte in visible:
            if isinstance(cte, exp.CTE) and folded(cte.args["alias"].this) == name:
                return cte
        inner = outer
    return None


def folded(identifier: exp.Expr) -> str:
    """Return the name that PostgreSQL makes of an identifier: ASCII letters fold unless it is quoted."""
    name: str = identifier.name
    if identifier.args.get("quoted"):
        return name
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def unquoted(name: str) -> str:
    """Return an identifier without the quotes that it may stand in; letters stay as they are."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def named(node: exp.Table) -> Table:
    """Return the table that a node names."""
    schema = node.args.get("db")
    alias = node.args.get("alias")
    name = folded(node.this)
    return Table(
        schema=folded(schema) if schema else None,
        name=name,
        alias=folded(alias.this) if alias and alias.this else name,
    )


def is_target(node: exp.Table) -> bool:
    """Tell whether the node is what its INSERT, UPDATE, DELETE or MERGE writes to."""
    holder = node.parent.parent if isinstance(node.parent, exp.Schema) else node.parent
    inner = node.parent if isinstance(node.parent, exp.Schema) else node
    return isinstance(holder, (exp.Insert, exp.Update, exp.Delete, exp.Merge)) and holder.this is inner


def _refuse_command(statement: str, found: list[Token]) -> None:
    first = next((token for token in found if statement[token.start] != "("), found[0])
    word = statement[first.start : first.end].lower()
    if word in _COMMANDS:
        raise UnsupportedStatement(f"{word.upper()} has no plan to analyse")
    if word not in _PLANNED:
        raise UnparsableQuery("The text does not begin as a statement")


def _too_deep() -> UnparsableQuery:
    return UnparsableQuery(
        "The statement is nested too deeply",
        hint="Split the statement, or pass lists as one array parameter.",
    )


def _refuse_too_deep(statement: str, found: list[Token]) -> None:
    """Refuse what would exhaust the stack of the compiled parser, which would end the server process."""
    depth = chain = joins = 0
    before = ""
    unconditional = False
    for token in found:
        word = statement[token.start : token.end].lower()
        if word in ("(", "[", "case"):
            depth += 1
        elif word in (")", "]", "end"):
            depth = max(depth - 1, 0)
        elif word in ("natural", "cross"):
            unconditional = True
        elif word == "join":
            joins += not unconditional
            unconditional = False
        elif word in ("on", "using"):
            joins = max(joins - 1, 0)
        chain += (before, word) in _NATIVE_CHAINS
        if depth > DEEPEST_NESTING or joins > MOST_OPEN_JOINS or chain > LONGEST_CHAIN:
            raise _too_deep()
        before = word


def _plannable(statement: str, found: list[Token]) -> str:
    """Repair the constants that pg_stat_statements replaced where the grammar allows no parameter."""
    words = [statement[token.start : token.end].lower() for token in found]
    edits: list[tuple[int, int, str]] = []
    for index, token in enumerate(found):
        if token.kind != "parameter":
            continue
        first = _literal_type(words, found, index)
        if first is not None:
            kind = statement[found[first].start : found[index - 1].end]
            edits.append((found[first].start, token.end, f"{statement[token.start : token.end]}::{kind}"))
        elif words[index - 2 : index] == ["extract", "("] and words[index + 1 : index + 2] == ["from"]:
            start = found[index - 2].start
            edits.append((start, start, "pg_catalog."))
            edits.append((token.end, found[index + 1].end, ","))
        if _PARAMETER_LIKE_QUOTE.match(statement, token.end):
            edits.append((token.end, token.end, " "))
    for start, end, replacement in reversed(edits):
        statement = statement[:start] + replacement + statement[end:]
    return statement


def _literal_type(words: list[str], found: list[Token], index: int) -> int | None:
    """Return the position of the first token of the type before the parameter at `index`, if there is one."""
    last = index - 1
    if words[max(last - 2, 0) : last + 1] in (["with", "time", "zone"], ["without", "time", "zone"]):
        last -= 3
    if last > 0 and words[last] == ")":
        last -= 1
        while last > 0 and (found[last].kind == "number" or words[last] == ","):
            last -= 1
        if words[last] != "(":
            return None
        last -= 1
    if last < 0 or found[last].kind not in ("word", "quoted") or words[last] in _BEFORE_VALUE:
        return None
    first = last
    while first > 0 and (words[first - 1], words[first]) in _TWO_WORD_TYPES:
        first -= 1
    while first > 1 and words[first - 1] == "." and found[first - 2].kind in ("word", "quoted"):
        first -= 2
    return first
