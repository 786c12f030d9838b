"""The rules in the order in which they are tried: one module each, with its reason and its precondition."""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.rules import (
    count_subquery_to_exists,
    date_of_timestamp_to_range,
    date_of_timestamptz_to_range,
    date_trunc_to_range,
    integer_text_to_integer,
    not_in_to_not_exists,
    numeric_constant_to_integer,
    or_chain_to_in,
    order_by_plain_column,
    remove_distinct_over_key,
    unwrap_coalesce_in_filter,
    year_to_range,
)


class Rule(Protocol):
    """What a module in this folder holds besides its docstring with "Why" and "Sound when"."""

    __name__: str
    __doc__: str | None
    NODE: tuple[type[exp.Expr], ...]
    PROOF: str
    LEVEL: str

    def precondition(self, node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
        """Return the constraints that the proof rests on, or None where the rule does not apply."""

    def transform(self, node: exp.Expr) -> exp.Expr | None:
        """Return what replaces the node, or None to drop it; looks nothing up."""


RULES: tuple[Rule, ...] = (
    date_of_timestamp_to_range,
    date_of_timestamptz_to_range,
    year_to_range,
    date_trunc_to_range,
    unwrap_coalesce_in_filter,
    integer_text_to_integer,
    numeric_constant_to_integer,
    or_chain_to_in,
    count_subquery_to_exists,
    order_by_plain_column,
    remove_distinct_over_key,
    not_in_to_not_exists,
)
