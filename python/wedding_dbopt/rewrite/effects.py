"""Why a statement must not be run by a referee: what it may do besides reading.

A read-only subtransaction that is rolled back does not undo everything: a sequence, an advisory lock, a signal to
another session, what a foreign server does. So nothing that is declared volatile is run, in the statement or in what
its plan brings in (views, policies, inlined functions), and no foreign table is read. Inside a function that is
declared stable the server itself refuses to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from wedding_dbopt.database import Database
from wedding_dbopt.errors import UnparsableQuery
from wedding_dbopt.query import Query, tokens

_OPERATOR = re.compile(r"[-+*/<>=~!@#%^&|`?]+")
_VOLATILE = """
select p.oid::regprocedure::text as found from pg_catalog.pg_proc p
where p.proname = any ($1::name[]) and p.provolatile = 'v' and p.prokind <> 'a'
union all
select o.oid::regoperator::text from pg_catalog.pg_operator o join pg_catalog.pg_proc p on p.oid = o.oprcode
where o.oprname = any ($2::name[]) and p.provolatile = 'v'
union all
select c.castfunc::regprocedure::text from pg_catalog.pg_cast c join pg_catalog.pg_proc p on p.oid = c.castfunc
join pg_catalog.pg_type t on t.oid in (c.castsource, c.casttarget)
where p.provolatile = 'v' and t.typname = any ($3::name[])
union all
select t.oid::regtype::text from pg_catalog.pg_type t
join pg_catalog.pg_proc p on p.oid in (t.typinput::oid, t.typoutput::oid)
where p.provolatile = 'v' and t.typname = any ($3::name[])
limit 1
"""


def objection(database: Database, query: Query, plan: dict[str, Any]) -> str | None:
    """Say why the statement with this plan (of EXPLAIN VERBOSE) is not run; None where it may be."""
    if query.kind != "select" or query.tree.find(exp.Insert, exp.Update, exp.Delete, exp.Merge):
        return "it writes"
    if query.tree.find(exp.Lock):
        return "it locks rows"
    if any(value == "Foreign Scan" for value in _texts(plan)):
        return "it reads a foreign table"
    names: set[str] = set()
    words: set[str] = set()
    operators: set[str] = set()
    for text in (query.plannable, *_texts(plan)):
        _collect(text, names, words)
        operators |= set(_OPERATOR.findall(text))
    found = database.query(_VOLATILE, ["text[]"] * 3, [sorted(names), sorted(operators), sorted(words)])
    return f"it calls {found[0]['found']}, which is volatile" if found else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _collect(text: str, names: set[str], words: set[str]) -> None:
    """Add the words of a text, as written and folded, and those before an opening parenthesis."""
    try:
        found = list(tokens(text))
    except UnparsableQuery:  # a part of a plan need not end its strings
        return
    for token, following in zip(found, [*found[1:], None]):
        if token.kind not in ("word", "quoted"):
            continue
        word = text[token.start : token.end]
        if token.kind == "quoted":
            word = word.strip('"').replace('""', '"')
        words |= {word, word.lower()}
        if following is not None and text[following.start] == "(":
            names |= {word, word.lower()}
