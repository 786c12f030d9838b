"""Forms that would be equal if the schema said so, and forms that are probably what was meant."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from sqlglot import exp

from wedding_dbopt.query import Query, tokens
from wedding_dbopt.rewrite.constants import day_of
from wedding_dbopt.rewrite.engine import rewrite
from wedding_dbopt.rewrite.facts import TIMESTAMP, TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.option import Option
from wedding_dbopt.rewrite.splice import parsed, span_of


def whole_last_day(query: Query, facts: Facts) -> Iterator[Option]:
    """BETWEEN two days on a timestamp leaves out the last day but for its midnight: a suspected bug."""
    for node in query.tree.find_all(exp.Between):
        fact = facts.column(node.this)
        last = day_of(node.args["high"], exp.DType.DATE)
        if fact is None or last is None or fact.column.type_oid not in (TIMESTAMP, TIMESTAMPTZ):
            continue
        span = span_of(query.plannable, node)
        if span is None or node.args.get("symmetric"):
            continue
        column = node.this.sql(dialect="postgres")
        low = node.args["low"].sql(dialect="postgres")
        after = (last + datetime.timedelta(days=1)).isoformat()
        form = f"({column} >= {low} AND {column} < '{after}')"
        text = query.plannable[: span.start] + form + query.plannable[span.end :]
        if parsed(text) is not None:
            yield Option(
                "whole_last_day",
                text,
                f"Rows of {last.isoformat()} after midnight come back too. Now only midnight of that day does, "
                "which is probably a mistake.",
            )


def union_all(query: Query) -> Iterator[Option]:
    """Offer UNION ALL for a UNION: it sorts or hashes all rows to remove duplicates that there may not be."""
    unions = [node for node in query.tree.find_all(exp.Union) if node.args.get("distinct")]
    words = [
        (token, query.plannable[token.start : token.end].lower())
        for token in tokens(query.plannable)
        if token.kind == "word"
    ]
    places = [
        token
        for (token, word), (_, after) in zip(words, [*words[1:], (None, "")])
        if word == "union" and after != "all"
    ]
    if len(unions) != 1 or len(places) != 1:
        return
    text = f"{query.plannable[: places[0].end]} ALL{query.plannable[places[0].end :]}"
    if parsed(text) is not None:
        yield Option(
            "union_all",
            text,
            "Duplicate rows come back as often as they are found. It is provably the same where each branch selects the primary "
            "key of its table and no row can be in both branches.",
        )


def unproven(query: Query, facts: Facts) -> Iterator[Option]:
    """Rewrites that only miss a NOT NULL: the constraint that would prove them stands beside."""
    then = rewrite(query, facts.if_not_null(), "aggressive")
    wanted = {name for step in then.steps for name in step.constraints if name.endswith(" NOT NULL")}
    missing = sorted(name for name in wanted if not facts.keeps_not_null(name))
    if not missing or then.text == rewrite(query, facts, "aggressive").text:
        return
    rules = ", ".join(dict.fromkeys(step.rule for step in then.steps))
    yield Option(
        "unproven",
        then.text,
        f"{rules}: the same rows only as long as {' and '.join(missing)} holds, which no constraint says.",
        proof_sql=tuple(_set_not_null(name) for name in missing),
    )


def _set_not_null(name: str) -> str:
    schema, table, column = name.removesuffix(" NOT NULL").split(".")
    return f'ALTER TABLE "{schema}"."{table}" ALTER COLUMN "{column}" SET NOT NULL'
