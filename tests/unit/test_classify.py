"""The business context of labelled statements, and how a table's name is read."""

import re
from pathlib import Path

import pytest
from wedding_dbopt.classify import Classification, classify, words
from wedding_dbopt.query import Query

REQUIRED_SHARE = 0.95
SEED = Path(__file__).parents[2] / "sql" / "schema" / "context_rule.sql"
RULES = [
    {"word": word, "context": context or None, "criticality": criticality, "weight": int(weight)}
    for word, context, criticality, weight in re.findall(
        r"\('(\w+)',\s+(?:null|'(\w+)'),\s+'(\w+)',\s+(\d+), 'default'\)", SEED.read_text()
    )
]

LABELLED = """
booking critical select * from bookings where wedding_date = $1
booking critical select b.id from public.bookings b join vendors v on v.id = b.vendor_id where v.city = $1
booking critical insert into bookings (vendor_id, couple_id) values ($1, $2) returning id
booking critical update bookings set status = $1 where id = $2
booking critical delete from reservations where expires_at < now()
booking critical select 1 from vendor_availability where day between $1 and $2
booking critical select * from availabilities where vendor_id = $1
booking critical select "id" from "WeddingBookings" where "status" = 'payments'
booking critical insert into bookings select * from payments where paid
booking critical update bookings b set paid = true from payments p where p.booking_id = b.id
booking critical select count(*) from booking_2026
booking critical with open as (select * from bookings) select * from open join guests g using (id)
booking critical select * from bookings b where exists (select 1 from invoices i where i.booking_id = b.id)
booking critical merge into bookings t using imports i on t.id = i.id when matched then delete
vendor_search high select * from vendors where category = $1 and rating >= $2 order by rating
vendor_search critical select v.* from vendors v left join bookings b on b.vendor_id = v.id where b.id is null
vendor_search high select * from suppliers s join services x on x.supplier_id = s.id
vendor_search high select name from vendor_services where vendor_id = any($1)
vendor_search critical select * from vendors v where not exists (select 1 from bookings b where b.v = v.id)
vendor_search high select avg(rating) from vendor_reviews where vendor_id = $1
vendor_search high select * from search.vendor_profiles p where p.name ilike $1
vendor_search high select * from vendors where description like '%bookings; payments%'
payment critical select * from payments where booking_id = $1
payment critical select sum(p.amount) from payments p join bookings b on b.id = p.booking_id
payment critical insert into payments (booking_id, amount) select id, deposit from bookings where id = $1
payment high update invoices set sent = true where id = $1
payment critical select * from payment_transactions order by created_at desc limit 50
payment critical with due as (select * from invoices) insert into payments select * from due
payment critical select * from booking_payments where status = 'open'
payment critical select i.* from invoices i, bookings b where b.id = i.booking_id
timeline high select * from timeline_events where wedding_id = $1 order by starts_at
timeline high insert into event_schedule (event_id, at) values ($1, $2)
timeline high select * from events e left join guests g on g.event_id = e.id
timeline critical select * from timeline t join bookings b on b.wedding_id = t.wedding_id
timeline high update schedules set starts_at = starts_at + $1
guest_management medium select * from guests where wedding_id = $1 and rsvp_status = 'yes'
guest_management medium select count(*) from guest_list
guest_management medium insert into rsvps (guest_id, answer) values ($1, $2) on conflict (guest_id) do nothing
guest_management high select g.name from guests g join events e on e.id = g.event_id
guest_management medium delete from invitations where sent_at is null
guest_management critical select * from generate_series(1, 3) n left join guests g on g.n = n, bookings b
guest_management medium select * from (select * from (select * from "guestTables") a) b
other low select 1
other low select now(), bookings(1)
other low select * from pg_stat_activity
other low select * from pg_catalog.pg_class c, information_schema.tables t
other low select * from generate_series(1, 10) as bookings(n)
other low with bookings as (select 1 as id) select * from bookings
other medium select * from prevents
other medium select * from users where name = 'bookings'
other low select * from event_log where at > $1
other low insert into audit_log select * from logs
other high select * from notifications
"""


def classified(text: str) -> Classification:
    return classify(Query.parse(text), RULES)


def test_labelled_statements() -> None:
    labelled = [line.split(maxsplit=2) for line in LABELLED.strip().splitlines()]
    assert len(labelled) >= 40 and len(RULES) >= 15
    wrong = [
        (text, found.context, found.criticality)
        for context, criticality, text in labelled
        if ((found := classified(text)).context, found.criticality) != (context, criticality)
    ]
    assert len(wrong) <= (1 - REQUIRED_SHARE) * len(labelled), wrong


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("timeline_events", ["timeline", "event"]),
        ("vendorAvailabilities", ["vendor", "availability"]),
        ("HTTPBookings2026_10", ["http", "booking"]),
        ("rsvps", ["rsvp"]),
        ("guest_list", ["guest", "list"]),
        ("addresses", ["address"]),
        ("status", ["status"]),
        ("prevents", ["prevent"]),
    ],
)
def test_names_are_split_into_singular_words(name: str, expected: list[str]) -> None:
    assert words(name) == expected


def test_several_contexts_share_the_confidence() -> None:
    found = classified("select * from public.payments p join bookings b on b.id = p.booking_id")
    assert found == Classification(
        "payment", ("payment", "booking"), "critical", 0.833, ("public.payments", "bookings")
    )


def test_confidence_tells_certain_from_unknown() -> None:
    assert classified("select 1").confidence == 1.0
    assert classified("select * from bookings").confidence == 1.0
    assert classified("select * from couples").confidence == 0.5


def test_rows_of_the_table_change_the_result() -> None:
    rules = [{"word": "couple", "context": "guest_management", "criticality": "critical", "weight": 3}]
    found = classify(Query.parse("select * from couples join bookings using (id)"), rules)
    assert (found.context, found.criticality, found.contexts) == (
        "guest_management",
        "critical",
        ("guest_management",),
    )


def test_postgrest_statement_is_read_through_its_cte() -> None:
    found = classified(
        'WITH pgrst_source AS (SELECT "public"."guests".* FROM "public"."guests" LEFT JOIN LATERAL '
        '(SELECT * FROM "public"."bookings" b WHERE b.id = guests.booking_id) x ON true) '
        "SELECT pg_catalog.count(t), json_agg(t) FROM (SELECT * FROM pgrst_source) t"
    )
    assert (found.context, found.contexts) == ("guest_management", ("guest_management", "booking"))
