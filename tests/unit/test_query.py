"""The statement boundary, the repair of pg_stat_statements texts and the tables of a statement."""

import random

import pytest
from wedding_dbopt import errors
from wedding_dbopt.query import LONGEST_TEXT, Query, Table, single_statement, tokens

ONE_STATEMENT = [
    ("select 1", "select 1"),
    ("  \t\r\n\f\vselect 1 ; ;\n", "select 1"),
    ("select 1;-- done; drop table x", "select 1"),
    ("select 1 -- done", "select 1"),
    ("select 1 /* ; */ ; /* /* ; */ */", "select 1"),
    ("/*+ SeqScan(a) */ select 1", "/*+ SeqScan(a) */ select 1"),
    ("select ';'", "select ';'"),
    ("select 'it''s; fine'", "select 'it''s; fine'"),
    ("select 'a\\' ;", "select 'a\\'"),
    (r"select E'a\'; drop table x; --'", r"select E'a\'; drop table x; --'"),
    (r"select e'\\';", r"select e'\\'"),
    (r"select U&'d\0061t;a'", r"select U&'d\0061t;a'"),
    (r"""select U&"d\0061t;a" from t""", r"""select U&"d\0061t;a" from t"""),
    ("select B'1;0', x'A;', N';'", "select B'1;0', x'A;', N';'"),
    ('select 1 as "a;""b";', 'select 1 as "a;""b"'),
    ("select $$;$$, $a$;$b$;$$;$a$;", "select $$;$$, $a$;$b$;$$;$a$"),
    ("select $été$;$été$", "select $été$;$été$"),
    ("select $1, a$b, a$1$ from t;", "select $1, a$b, a$1$ from t"),
    ("select $1$a$;$a$", "select $1$a$;$a$"),
    ("select /* /* ; */ ; */ 1", "select /* /* ; */ ; */ 1"),
    ("select 1 --\r;\n", "select 1"),
    ("select 1*/**/2;", "select 1*/**/2"),
    ("select 'a'\n'b;';", "select 'a'\n'b;'"),
    ("select E'a' -- comment '\n  '\\';' ;", "select E'a' -- comment '\n  '\\';'"),
    ("select E'a'\r-- x\n\n'\\'; drop table x; --'", "select E'a'\r-- x\n\n'\\'; drop table x; --'"),
    ("select 1.5e3, .5, 0x1F, 1_000, 1.", "select 1.5e3, .5, 0x1F, 1_000, 1."),
    ("select 1.;", "select 1."),
    ("select $abc from t", "select $abc from t"),
]

SEVERAL_STATEMENTS = [
    "select 1; select 2",
    "; select 1",
    "select 1;;x",
    "select 'a\\'; drop table x; --'",
    "select 'a' 'b\\'; drop table x; --'",
    "select E'a' '\\'; drop table x; --'",
    "select E'a'\n/* x */ '\\'; drop table x; --'",
    "select E'a' -- x\f'\n; '\\'; drop table x; --'",
    "select xe'a\\'; drop table x; --'",
    "select $1; drop table x",
    "select a$b$; drop table x; --$b$",
    "select $a$ $A$; $a$; drop table x",
    "select 1 --\n; drop table x",
    "select 1 --\r; drop table x",
    "select 1 /* /* */ */; drop table x",
    'select "a\\"; drop table x; --"',
    "select U&'\\'; drop table x; --'",
    "select B'1\\'; drop table x; --'",
    "select $é$ $e$; $é$; drop table x",
    "create function f() returns int begin atomic select 1; select 2; end",
    "select 1;\u00a0",
    "select 1;\u2003-- x",
]

UNCLOSED = [
    "select 'abc",
    "select 'abc''",
    "select 'abc''def",
    "select E'abc\\'",
    "select E'abc' -- x\n'\\'",
    "select E'\\",
    'select "abc',
    'select "abc""',
    "select $$abc",
    "select $a$abc$b$",
    "select $a$abc$A$",
    "select /* /* */ 1",
    "select 1 /*/",
    "select 1; '",
    "select 'a\0b'",
    "select 1\0; drop table x",
    "select 1e'\\'; drop table x; --'",
    "select $1e'\\'; drop table x; --'",
]


@pytest.mark.parametrize(("text", "statement"), ONE_STATEMENT)
def test_one_statement_passes_trimmed(text: str, statement: str) -> None:
    assert single_statement(text) == statement


@pytest.mark.parametrize("text", SEVERAL_STATEMENTS)
def test_a_second_statement_is_refused(text: str) -> None:
    with pytest.raises((errors.MultipleStatements, errors.UnparsableQuery)) as refusal:
        single_statement(text)
    assert refusal.type is errors.MultipleStatements


@pytest.mark.parametrize("text", UNCLOSED)
def test_what_does_not_end_is_refused(text: str) -> None:
    with pytest.raises((errors.UnparsableQuery, errors.MultipleStatements)):
        single_statement(text)


@pytest.mark.parametrize("text", ["", " \n\t", ";", " ; ;; ", "-- only a comment", "/* ; */ -- x\n;"])
def test_no_statement_is_required(text: str) -> None:
    with pytest.raises(errors.QueryRequired, match="Query is required"):
        single_statement(text)


def test_tokens_cover_everything_but_white_space_and_comments() -> None:
    text = "select a, E'x' /* c */ from \"T\" where b=$1 and c>=1.5 -- end"
    assert [text[token.start : token.end] for token in tokens(text)] == [
        *("select", "a", ",", "E'x'", "from", '"T"', "where", "b", "=", "$1", "and", "c", ">", "=", "1.5"),
    ]


@pytest.mark.parametrize(
    ("text", "plannable"),
    [
        ("select now() - interval $1", "select now() - $1::interval"),
        ("select x + INTERVAL  $1 day to second", "select x + $1::INTERVAL day to second"),
        ("select interval(3) $1", "select $1::interval(3)"),
        (
            "select 1 where d > date $1 and e < timestamp $2",
            "select 1 where d > $1::date and e < $2::timestamp",
        ),
        ("select timestamp(3) with time zone $1", "select $1::timestamp(3) with time zone"),
        ("select time without time zone $1", "select $1::time without time zone"),
        (
            "select double precision $1, pg_catalog.int4 $2",
            "select $1::double precision, $2::pg_catalog.int4",
        ),
        ('select app."Mood" $1, numeric(10,2) $2', 'select $1::app."Mood", $2::numeric(10,2)'),
        ("select extract($1 from ts) from t", "select pg_catalog.extract($1, ts) from t"),
        (
            "select EXTRACT( $1  FROM (a - date $2)) from t",
            "select pg_catalog.EXTRACT( $1, (a - $2::date)) from t",
        ),
    ],
)
def test_forms_that_prepare_refuses_are_repaired(text: str, plannable: str) -> None:
    query = Query.parse(text)
    assert (query.text, query.plannable) == (text, plannable)


@pytest.mark.parametrize(
    "text",
    [
        "select x at time zone $1 from t where a between $2 and $3 order by $4 limit $5 offset $6",
        "select case $1 when $2 then $3 else $4 end, count(distinct $5), trim(both $6 from x) from t",
        "select substring(x from $1 for $2), position($3 in x) from t where y like $4 escape $5",
        "select * from t where x in ($1 /*, ... */) and y is distinct from $2 and not $3",
        "select * from t where (x, y) = ($1, $2) or z operator(pg_catalog.=) $3 fetch first $4 rows only",
        "update t set a = $1 where b >= $2 returning $3",
        "select sum(x) over (order by y rows between $1 preceding and $2 following) from t",
    ],
)
def test_parameters_that_prepare_accepts_stay_as_they_are(text: str) -> None:
    assert Query.parse(text).plannable == text


def tables(text: str) -> list[tuple[str | None, str, str]]:
    return [(table.schema, table.name, table.alias) for table in Query.parse(text).tables]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1", []),
        ('select * from Bookings b, app."Guests" as "G"', [(None, "bookings", "b"), ("app", "Guests", "G")]),
        ("select * from a join lateral (select * from b) x on true", [(None, "a", "a"), (None, "b", "b")]),
        ("select (select 1 from a) from generate_series(1, 2) g, unnest($1::int[]) u", [(None, "a", "a")]),
        ("with a as (select * from b) select * from a", [(None, "b", "b")]),
        ("with a as (select * from a) select * from a", [(None, "a", "a")]),
        ("with recursive a as (select 1 union select * from a) select * from a", []),
        ("with a as (select 1), b as (select * from a) select * from b, c", [(None, "c", "c")]),
        ("with b as (select * from a), a as (select 1) select 1 from b", [(None, "a", "a")]),
        ("with a as (select 1) select * from s.a", [("s", "a", "a")]),
        ("with a as (select 1) select (select 1 from (select * from a) x)", []),
        ("select * from (with a as (select 1) select * from a) x, a", [(None, "a", "a")]),
        ("with a as (select 1) insert into a select * from a", [(None, "a", "a")]),
        ("table a", [(None, "a", "a")]),
        ("select * from only a for update of a", [(None, "a", "a")]),
        ("select a from t union (select b from u)", [(None, "t", "t"), (None, "u", "u")]),
        ("delete from a using b x where x.id = a.id", [(None, "a", "a"), (None, "b", "x")]),
        (
            "select 1 from a where x in (select y from b) and 'from c' = z",
            [(None, "a", "a"), (None, "b", "b")],
        ),
    ],
)
def test_tables_are_real_tables(text: str, expected: list[tuple[str | None, str, str]]) -> None:
    assert tables(text) == expected


@pytest.mark.parametrize(
    ("text", "kind", "written"),
    [
        ("select 1 from a", "select", []),
        ("values (1)", "select", []),
        ("(select 1 from a) union select 2", "select", []),
        ("insert into a (x) select y from b on conflict (x) do update set x = excluded.x", "insert", ["a"]),
        ("with n as (select 1) update a set x = b.y from b where b.id = a.id", "update", ["a"]),
        ("delete from s.a where x = $1", "delete", ["a"]),
        ("merge into a using b on a.id = b.id when matched then update set x = b.x", "merge", ["a"]),
        ("with gone as (delete from a returning *) select * from gone", "select", ["a"]),
    ],
)
def test_kind_and_written_tables(text: str, kind: str, written: list[str]) -> None:
    query = Query.parse(text)
    assert (query.kind, [table.name for table in query.written]) == (kind, written)


def test_parameters_are_counted_by_the_highest() -> None:
    query = Query.parse("select $1, '$9', $$ $8 $$, $3 -- $7\n from t")
    assert query.parameter_count == 3


def test_postgrest_shape_parses() -> None:
    query = Query.parse(
        'WITH pgrst_source AS ( SELECT "public"."bookings"."id", row_to_json("bookings_vendors_1".*) '
        'AS "vendors" FROM "public"."bookings" LEFT JOIN LATERAL ( SELECT "vendors_1"."name" FROM '
        '"public"."vendors" AS "vendors_1" WHERE "vendors_1"."id" = "public"."bookings"."vendor_id" ) '
        'AS "bookings_vendors_1" ON TRUE '
        'WHERE "public"."bookings"."status" = $1 LIMIT $2 OFFSET $3 ) '
        "SELECT null::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, "
        "coalesce(json_agg(_postgrest_t), $4)::character varying AS body, "
        "nullif(current_setting($5, $6), $7) AS response_headers "
        "FROM ( SELECT * FROM pgrst_source ) _postgrest_t"
    )
    assert query.tables == (Table("public", "bookings", "bookings"), Table("public", "vendors", "vendors_1"))
    assert query.parameter_count == 7


@pytest.mark.parametrize(
    "text",
    [
        *("create table x (a int)", "set x = 1", "copy a to stdout", "begin", "explain select 1", "vacuum a"),
        *(
            "select 1 into a",
            "drop table a",
            "call f()",
            "do $$begin end$$",
            "TRUNCATE a",
            "grant select on a to b",
        ),
    ],
)
def test_statements_without_a_plan_are_unsupported(text: str) -> None:
    with pytest.raises(errors.UnsupportedStatement):
        Query.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "hello world",
            "select from where",
            "select (1",
            "select 1)",
            "1",
            "'select 1'",
            "(",
            "from a",
            "with",
        ),
        *("insert", "update a", "select * from a join", "\ud800", "select '\ud800' from", "select \ud800 + "),
    ],
)
def test_what_is_no_sql_is_unparsable(text: str) -> None:
    with pytest.raises(errors.UnparsableQuery):
        Query.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "select " + "(" * 20_000 + "1" + ")" * 20_000,
        "select * from (" * 20_000 + "select 1" + ") x" * 20_000,
        "select " + "not " * 20_000 + "true",
        "select a" + "[1]" * 20_000,
        "select " + "from " * 20_000,
        "with a as (" + "from " * 20_000,
        "select * from a " + "join b " * 40,
        "select * from a " + "left join b using (x) join b " * 40,
        "select " + "case " * 20_000,
        "select " + "array[" * 20_000,
        "select " + "-" * (LONGEST_TEXT + 1),
    ],
)
def test_hostile_depth_is_refused_in_time_and_without_a_crash(text: str) -> None:
    with pytest.raises(errors.UnparsableQuery) as refusal:
        Query.parse(text)
    assert refusal.value.hint


def test_long_but_flat_statements_are_accepted() -> None:
    assert Query.parse("select * from t where a in (" + ",".join(map(str, range(5_000))) + ")").tables
    assert Query.parse("select * from t where " + " or ".join(f"a = {n}" for n in range(2_000))).tables
    assert Query.parse("select * from a " + "cross join b natural join c left join d on true " * 60).tables


def test_any_text_gives_a_query_or_a_reported_error() -> None:
    text = (
        "select from where ( ) [ ] , ; . :: ' '' \" $1 $$ $a$ a b 1 1.5e E' /* */ -- \n join on using with "
        "insert into update set delete values merge union all not in is null case when then else end as "
        "cast date interval é array any over partition by order limit { } : ? @> ->> || \\ * = < > \ud800 \0"
    )
    words = text.split(" ")
    chance = random.Random(15)
    for _ in range(4_000):
        text = chance.choice(["", "select ", "with a as (", "insert into a ", "update a set "])
        text += " ".join(chance.choices(words, k=chance.randint(1, 14)))
        try:
            query = Query.parse(text)
        except errors.DboptError as error:
            assert isinstance(
                error,
                (
                    errors.QueryRequired,
                    errors.MultipleStatements,
                    errors.UnparsableQuery,
                    errors.UnsupportedStatement,
                ),
            )
        else:
            assert single_statement(query.text) == query.text


def test_tight_lists_of_parameters_are_no_dollar_quotes() -> None:
    query = Query.parse("insert into b (x, y, z) values ($1,$2,$3),($4,$5,$6) returning (select $7||$8)")
    assert query.parameter_count == 8
    assert Query.parse("select * from b where x in ($1,$2)").parameter_count == 2
    spaced = "select * from b where x in ($1, $2) and y = $3"
    assert Query.parse(spaced).plannable == spaced
