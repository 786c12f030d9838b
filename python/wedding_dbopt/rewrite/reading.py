"""What sqlglot reads as PostgreSQL does: the words that may stand in a part that a rule rewrites.

sqlglot knows the functions of many systems and renames some of them. A part is rewritten only when every call in
it is one that both read alike, and what is written brings in no word that nobody wrote.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.query import tokens
from wedding_dbopt.rewrite.splice import Span


def words_of(text: str) -> frozenset[str]:
    """Return the unquoted words of a text, in lower case."""
    found = (text[token.start : token.end].lower() for token in tokens(text) if token.kind == "word")
    return frozenset(found)


#: Prefix of the names that rules make up.
MADE_UP = "wd_"
#: Words that a replacement may bring in although the statement does not have them.
OWN_WORDS = words_of(
    """and or not in exists select where from join left inner cross lateral on as true false null is group by order
    limit union all distinct filter max min sum count coalesce to_timestamp with recursive asc desc like interval hour
    hours array jsonb case when then else end infinity values having nulls first last materialized offset between at time zone"""
)
#: Optional words and spellings of types: a subquery that differs in them reads the same.
SPELLINGS = words_of(
    """as asc inner outer all cast int integer int4 int8 bigint int2 smallint bool boolean text varchar char
    character varying bpchar decimal numeric double precision real float float4 float8 timestamp timestamptz
    time timetz with without zone date"""
)
#: Words that sqlglot writes in another way where it must write a whole query; untouched parts keep theirs.
RENAMED = words_of(
    """now current_timestamp date_part extract isnull notnull is not null distinct from first next fetch rows row
    only limit offset days day hours hour minutes minute months month seconds second weeks week years year and"""
)
#: Words before "(" that both read alike: syntax, and functions of PostgreSQL itself.
CALLS = words_of(
    """abs all and any array as avg between by case cast char coalesce concat count date date_part date_trunc
    decimal distinct else exists extract from greatest in least length lower max min not now nullif numeric on
    or round select sum then timestamp trim upper using values varchar when where
    having union intersect except lateral join filter over materialized order partition group is like ilike end
    left right substring substr to_char to_timestamp array_position to_tsvector to_tsquery plainto_tsquery
    websearch_to_tsquery phraseto_tsquery row_number rank dense_rank lag lead first_value last_value json_agg
    jsonb_agg json_build_object jsonb_build_object row_to_json to_json to_jsonb json_object_agg jsonb_object_agg
    array_agg string_agg bool_and bool_or ceil floor sqrt power mod sign interval row ts_rank char_length
    octet_length md5 replace split_part position strpos btrim ltrim rtrim initcap concat_ws array_length cardinality
    unnest jsonb_array_length jsonb_array_elements jsonb_typeof age make_date every varying bit returning into
    with_ordinality to_date to_number xor both set stddev variance corr random gen_random_uuid clock_timestamp"""
)
#: Functions that sqlglot keeps by name, without side effects, whose result depends on their arguments alone or on
#: settings of the session.
PURE_NAMES = frozenset(
    [
        "to_tsvector",
        "to_tsquery",
        "plainto_tsquery",
        "websearch_to_tsquery",
        "phraseto_tsquery",
        "row_to_json",
        "to_json",
        "to_jsonb",
        "json_build_object",
        "jsonb_build_object",
        "ts_rank",
        "row",
        "btrim",
        "concat_ws",
        "jsonb_array_length",
        "jsonb_typeof",
        "age",
        "make_date",
        "to_number",
        "octet_length",
        "cardinality",
        "json_agg",
        "jsonb_agg",
        "json_object_agg",
        "jsonb_object_agg",
    ]
)


def called(text: str, span: Span) -> set[str]:
    """Return the words before an opening parenthesis in a part of a text."""
    part = text[span.start : span.end]
    found = list(tokens(part))
    return {
        part[token.start : token.end].lower()
        for token, following in zip(found, found[1:])
        if token.kind in ("word", "quoted") and part[following.start] == "("
    }


def has_plain_strings(part: str) -> bool:
    """Tell whether every string and quoted name in a part is of the ordinary kind."""
    return not any(
        token.kind in ("escaped", "dollar") or part[token.start] in "uUbBxXnN"
        for token in tokens(part)
        if token.kind in ("string", "escaped", "dollar", "quoted")
    )


def brings_known_words(text: str, after: str, names: frozenset[str]) -> bool:
    """Tell whether `after` has no words but the statement's, those of the rules, `names`, and made-up ones."""
    new = words_of(after) - words_of(text) - OWN_WORDS - SPELLINGS - names
    return all(word.startswith(MADE_UP) for word in new)


def reads_whole(part: str, node: exp.Expr) -> bool:
    """Tell whether sqlglot kept every word of a query that it must write again."""
    written = node.sql(dialect="postgres", comments=False)
    return (words_of(part) ^ words_of(written)) <= SPELLINGS | RENAMED
