"""The rules in the order in which they are tried: one module each, with its reason and its precondition."""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.rules import (
    age_to_bound,
    aggregate_before_join,
    any_of_array_to_contains,
    case_to_condition,
    count_subquery_to_exists,
    count_to_exists_query,
    date_of_column_today_to_range,
    date_of_timestamp_parameter_to_range,
    date_of_timestamp_to_range,
    date_of_timestamptz_to_range,
    date_trunc_to_range,
    distinct_by_index_skip,
    distinct_by_parent,
    distinct_join_to_exists,
    drop_order_of_subquery,
    epoch_to_timestamp,
    exists_or_to_alternatives,
    extreme_per_group_by_parent,
    group_by_key_alone,
    in_own_key_to_condition,
    inline_common_table,
    integer_division_to_range,
    integer_text_parameter_to_integer,
    integer_text_to_integer,
    join_to_parent_removed,
    json_number_to_contains,
    json_text_to_contains,
    keyset_to_row_comparison,
    late_row_lookup,
    latest_per_group_by_parent,
    limit_below_left_join,
    list_of_days_to_range,
    month_of_year_to_range,
    move_interval_to_constant,
    not_distinct_to_equal,
    not_in_to_not_exists,
    nullif_to_plain_column,
    numeric_constant_to_integer,
    or_chain_to_in,
    or_to_union,
    order_by_plain_column,
    order_by_with_usual_nulls,
    prefix_to_like,
    push_join_key_into_subquery,
    remove_distinct_over_key,
    scalar_aggregate_to_grouped_join,
    scalar_aggregates_to_one_lateral,
    self_join_to_one_scan,
    set_operation_to_semi_join,
    text_search_to_stored_column,
    to_char_to_range,
    union_of_keys_to_union_all,
    union_of_ranges_to_one_scan,
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

    def transform(self, node: exp.Expr, facts: Facts) -> exp.Expr | None:
        """Return what replaces the node, or None to drop its keyword; asked only after `precondition`."""


RULES: tuple[Rule, ...] = (
    date_of_timestamp_to_range,
    date_of_timestamp_parameter_to_range,
    date_of_timestamptz_to_range,
    month_of_year_to_range,
    date_of_column_today_to_range,
    list_of_days_to_range,
    year_to_range,
    date_trunc_to_range,
    to_char_to_range,
    epoch_to_timestamp,
    age_to_bound,
    move_interval_to_constant,
    integer_division_to_range,
    case_to_condition,
    unwrap_coalesce_in_filter,
    nullif_to_plain_column,
    not_distinct_to_equal,
    integer_text_to_integer,
    integer_text_parameter_to_integer,
    numeric_constant_to_integer,
    prefix_to_like,
    any_of_array_to_contains,
    json_text_to_contains,
    json_number_to_contains,
    text_search_to_stored_column,
    or_chain_to_in,
    keyset_to_row_comparison,
    count_subquery_to_exists,
    count_to_exists_query,
    order_by_plain_column,
    remove_distinct_over_key,
    not_in_to_not_exists,
    inline_common_table,
    scalar_aggregate_to_grouped_join,
    scalar_aggregates_to_one_lateral,
    exists_or_to_alternatives,
    push_join_key_into_subquery,
    or_to_union,
    distinct_join_to_exists,
    drop_order_of_subquery,
    in_own_key_to_condition,
    join_to_parent_removed,
    order_by_with_usual_nulls,
    self_join_to_one_scan,
    set_operation_to_semi_join,
    union_of_keys_to_union_all,
    union_of_ranges_to_one_scan,
    distinct_by_parent,
    distinct_by_index_skip,
    extreme_per_group_by_parent,
    latest_per_group_by_parent,
    limit_below_left_join,
    group_by_key_alone,
    late_row_lookup,
    aggregate_before_join,
)
