-- Deterministic data for platform.sql. Variables: scale (default 1), anchor (the "today" of the data, default
-- the current date). The same scale and anchor always give the same rows.
--
--   psql -v scale=0.1 -v anchor=2026-06-01 -f data.sql
--
-- Row n of an entity has the id workload.id(entity, n), so that load scripts can name existing rows without a
-- search. User n is the account of couple n, who plan wedding n; the children of a wedding are dealt out round
-- robin: row n belongs to wedding 1 + (n - 1) % weddings.

\if :{?scale}
\else
    \set scale 1
\endif
\if :{?anchor}
\else
    select current_date as anchor \gset
\endif

begin;

set local timezone = 'UTC';
set local synchronous_commit = off;
-- The foreign keys hold by construction: checking them row by row would double the load time.
set local session_replication_role = replica;

create schema workload;
grant usage on schema workload to anon, authenticated, service_role;

create function workload.id(entity text, n bigint) returns uuid
    language sql immutable parallel safe
    as $$ select md5(entity || n::text)::uuid $$;

-- A uniform number in [0, 1) that depends on nothing but its arguments.
create function workload.uniform(n bigint, salt integer) returns double precision
    language sql immutable parallel safe
    as $$ select (hashint8extended(n, salt) & 9007199254740991)::double precision / 9007199254740992 $$;

create function workload.pick(list text[], fraction double precision) returns text
    language sql immutable parallel safe
    as $$ select list[1 + floor(fraction * cardinality(list))::integer] $$;

create table workload.anchor (day date not null);
insert into workload.anchor values (:'anchor');

-- The day that lies the given number of days after the anchor.
create function workload.day(days integer) returns date
    language sql stable parallel safe
    as $$ select day + days from workload.anchor $$;

create table workload.size (entity text primary key, rows bigint not null);
insert into workload.size
select entity, greatest(10, round(rows * :scale))
from (values
    ('weddings', 20000), ('venues', 1000), ('vendors', 20000), ('bookings', 300000), ('invoices', 150000),
    ('payments', 300000), ('timeline_events', 500000), ('guests', 600000), ('notifications', 200000),
    ('messages', 200000), ('reviews', 100000)) as base (entity, rows);

create table workload.word (list text, n integer, word text not null, primary key (list, n));
insert into workload.word
select list, n, word
from (values
    ('category', 'photography, catering, florist, dj, wedding cake, videography, hair styling, makeup,
        live band, wedding planner, bridal wear, invitations, decoration, marquee hire, celebrant,
        transport, jewellery, photo booth, string quartet, menswear, bar service, lighting, furniture hire,
        favours, calligraphy, fireworks, videobooth, drone footage, wedding rings, honeymoon travel,
        dance lessons, childcare, accommodation, security, sound hire, stage hire, balloon art,
        ice sculpture, chocolate fountain, food truck, cocktail bar, coffee cart, tea service,
        dessert table, wine merchant, caricaturist, magician, choir, harpist, saxophonist, bagpiper,
        master of ceremonies, interpreter, livestreaming, wedding website, gift list, dress alterations,
        veils and accessories, bridesmaid dresses, shoes, spa and wellness, table linen'),
    ('city', 'London, Paris, Berlin, Madrid, Rome, Vienna, Dublin, Amsterdam, Lisbon, Barcelona, Munich,
        Milan, Edinburgh, Prague, Copenhagen, Hamburg, Florence, Lyon, Manchester, Brussels, Zurich,
        Stockholm, Porto, Salzburg, Bristol, Bordeaux, Cologne, Seville, Glasgow, Venice, Geneva, Oslo,
        Helsinki, Cork, Utrecht, Nice, Dresden, Valencia, Bath, Bologna'),
    ('style', 'rustic, elegant, vintage, modern, bohemian, romantic, classic, relaxed, intimate, luxurious,
        coastal, woodland, industrial, garden, minimalist, glamorous, traditional, colourful, sustainable,
        festive, handmade, candlelit, alpine, tropical, timeless, playful'),
    ('place', 'barn, castle, vineyard, beach, manor, rooftop, chapel, orchard, lakeside, ballroom,
        farmhouse, courtyard, greenhouse, lighthouse, terrace, meadow, palace, riverside, loft, abbey,
        cottage, pavilion'),
    ('service', 'printed albums, same day edits, tasting sessions, seasonal menus, vegan menus,
        bridal bouquets, table centrepieces, flower arches, live music, late night playlists,
        trial appointments, custom designs, hand lettering, fairy lights, champagne towers, fire pits,
        lawn games, guest shuttles, vintage cars, drone film, polaroid corners, seating plans, dance floors,
        kids menus, halal catering, kosher catering, gluten free cakes, weekend packages, rehearsal dinners,
        morning brunches, acoustic sets, silent disco'),
    ('praise', 'attention to detail, calm organisation, honest prices, fast answers, years of experience,
        a friendly team, award winning work, flexible packages, natural light, fresh ingredients,
        local suppliers, bilingual staff, careful planning, good humour, quiet professionalism'),
    ('noun', 'Meadow, Ivory, Swallow, Laurel, Juniper, Lantern, Harbour, Willow, Magnolia, Orchard, Silver,
        Linden, Saffron, Clover, Aurora, Marigold, Velvet, Heron, Poppy, Amber, Thistle, Cedar, Pearl,
        Robin, Rosewood'),
    ('event', 'Hair and makeup, Venue opens to suppliers, Flowers arrive, Sound check, First look,
        Guests arrive, Ceremony, Confetti, Group portraits, Drinks reception, Couple portraits,
        Call to dinner, Speeches, Dinner, Cake cutting, First dance, Evening guests arrive, Band set,
        Late snack, Fireworks, Last song, Transport leaves, Rehearsal, Rehearsal dinner, Farewell brunch')
) as lists (list, words), regexp_split_to_table(words, ',\s*') with ordinality as items (word, n);

grant select on all tables in schema workload to anon, authenticated, service_role;

select string_agg(format('%s as %I', rows, entity), ', ') as sizes from workload.size \gset
select :sizes \gset
select
    array_agg(word order by n) filter (where list = 'category') as categories,
    array_agg(word order by n) filter (where list = 'city') as cities,
    array_agg(word order by n) filter (where list = 'style') as styles,
    array_agg(word order by n) filter (where list = 'place') as places,
    array_agg(word order by n) filter (where list = 'service') as services,
    array_agg(word order by n) filter (where list = 'praise') as praises,
    array_agg(word order by n) filter (where list = 'noun') as nouns,
    array_agg(word order by n) filter (where list = 'event') as events
from workload.word \gset

\echo weddings
-- Two years back to eighteen months ahead, most of them on a Saturday between May and October.
create temporary table wedding_day on commit drop as
with weighted as (
    select
        day::date,
        case extract(isodow from day) when 6 then 12 when 5 then 3 when 7 then 2 else 0.5 end
            * case when extract(month from day) between 5 and 10 then 8 else 2 end as weight
    from generate_series(:'anchor'::date - 730, :'anchor'::date + 548, interval '1 day') as day
)
select
    array_agg(day order by day) as days,
    array_agg(above order by day) as bounds
from (
    select day, 1 - sum(weight) over (order by day desc) / sum(weight) over () as above from weighted
) as cumulated;

create temporary table wedding on commit drop as
select
    n as number,
    workload.id('wedding', n) as id,
    workload.id('couple', n) as couple_id,
    workload.id('user', n) as user_id,
    -- Popular venues come first.
    workload.id('venue', 1 + floor(:venues * power(workload.uniform(n, 1), 1.5))::bigint) as venue_id,
    days[width_bucket(workload.uniform(n, 2)::numeric, bounds)] as wedding_date,
    workload.uniform(n, 3) < 0.08 as cancelled
from generate_series(1, :weddings) as n, wedding_day;
analyze wedding;

insert into users
select
    workload.id('user', n), 'user' || n || '@example.com', 'User ' || n,
    case when workload.uniform(n, 10) < 0.6 then '+1555' || lpad(n::text, 7, '0') end,
    case when n <= 2 * :weddings then 'couple' else 'vendor' end::user_role,
    jsonb_build_object('newsletter', workload.uniform(n, 11) < 0.3, 'locale',
        workload.pick('{en,de,fr,es,it}', power(workload.uniform(n, 12), 2))),
    :'anchor'::timestamptz - interval '1 day' * 900 * workload.uniform(n, 13),
    :'anchor'::timestamptz - interval '1 day' * 60 * power(workload.uniform(n, 14), 3)
from generate_series(1, 2 * :weddings + :vendors) as n;

insert into couples
select
    couple_id, user_id, workload.id('user', :weddings + number), 'Couple ' || number,
    wedding_date - interval '450 days'
from wedding;

insert into venues
select
    workload.id('venue', n),
    format('%s %s %s', workload.pick(:'nouns', workload.uniform(n, 20)),
        initcap(workload.pick(:'places', workload.uniform(n, 21))), n),
    workload.pick(:'cities', power(workload.uniform(n, 22), 2)),
    40 + 10 * floor(30 * workload.uniform(n, 23))::integer,
    workload.pick('{moderate,premium,budget,luxury}', power(workload.uniform(n, 24), 1.5))::price_range,
    round((5 - 2.5 * power(workload.uniform(n, 25), 2))::numeric, 1),
    case when workload.uniform(n, 26) < 0.95 then 'active' else 'inactive' end::listing_status,
    jsonb_build_object('parking', workload.uniform(n, 27) < 0.7, 'rooms', floor(60 * workload.uniform(n, 28))),
    :'anchor'::timestamptz - interval '1 day' * (760 + 2000 * workload.uniform(n, 29))
from generate_series(1, :venues) as n;

insert into weddings
select
    id, couple_id, venue_id, wedding_date,
    20 + floor(180 * workload.uniform(number, 30))::integer,
    1000 * (5 + floor(60 * power(workload.uniform(number, 31), 2))),
    case when cancelled then 'cancelled' when wedding_date < :'anchor' then 'completed'
        when workload.uniform(number, 32) < 0.6 then 'confirmed' else 'planning' end::wedding_status,
    jsonb_build_object('theme', workload.pick(:'styles', workload.uniform(number, 33))),
    least(wedding_date - interval '400 days',
        :'anchor'::timestamptz - interval '1 day' * 200 * workload.uniform(number, 34))
from wedding;

\echo vendors
insert into vendors
select
    workload.id('vendor', n),
    workload.id('user', 2 * :weddings + n),
    format('%s-%s', replace(category, ' ', '-'), n),
    format('%s %s %s', initcap(style), noun, initcap(category)),
    case when workload.uniform(n, 40) >= 0.1 then
        format(
            '%s %s in %s for %s weddings, from the %s to the %s. We offer %s, %s and %s. Couples value %s and %s.',
            initcap(style), category, city,
            workload.pick(:'styles', workload.uniform(n, 41)),
            workload.pick(:'places', workload.uniform(n, 42)),
            workload.pick(:'places', workload.uniform(n, 43)),
            workload.pick(:'services', workload.uniform(n, 44)),
            workload.pick(:'services', workload.uniform(n, 45)),
            workload.pick(:'services', workload.uniform(n, 46)),
            workload.pick(:'praises', workload.uniform(n, 47)),
            workload.pick(:'praises', workload.uniform(n, 48)))
    end,
    category,
    city,
    case when workload.uniform(n, 49) < 0.9 then
        round((5 - 2.5 * power(workload.uniform(n, 50), 2))::numeric, 1) end,
    workload.pick('{moderate,premium,budget,luxury}', power(workload.uniform(n, 51), 1.5))::price_range,
    workload.pick('{active,inactive,suspended}', power(workload.uniform(n, 52), 6))::listing_status,
    workload.uniform(n, 53) < 0.7,
    jsonb_build_array(workload.pick(:'services', workload.uniform(n, 44)),
        workload.pick(:'services', workload.uniform(n, 45))),
    :'anchor'::timestamptz - interval '1 day' * (40 + 1500 * workload.uniform(n, 54)),
    :'anchor'::timestamptz - interval '1 day' * 40 * workload.uniform(n, 55)
from (
    select
        n,
        workload.pick(:'categories', power(workload.uniform(n, 56), 1.6)) as category,
        workload.pick(:'cities', power(workload.uniform(n, 57), 1.8)) as city,
        workload.pick(:'styles', workload.uniform(n, 58)) as style,
        workload.pick(:'nouns', workload.uniform(n, 59)) as noun
    from generate_series(1, :vendors) as n
) as vendor;

\echo bookings
-- The first booking of a wedding is its venue, the others are vendors.
insert into bookings
select
    workload.id('booking', n), wedding_id, venue_id, vendor_id, wedding_date, status, guest_count,
    50 * (4 + floor(100 * power(workload.uniform(n, 60), 3))),
    case when workload.uniform(n, 61) < 0.97 then 'EUR' else 'GBP' end,
    case when workload.uniform(n, 62) < 0.2 then
        'Please call about the ' || workload.pick(:'services', workload.uniform(n, 63)) end,
    jsonb_build_object('source', workload.pick('{web,app,partner}', power(workload.uniform(n, 64), 2))),
    created_at,
    created_at + interval '3 days',
    case when status in ('confirmed', 'completed') then created_at + interval '3 days' end
from (
    select
        n, w.id as wedding_id, w.venue_id, w.wedding_date,
        case when n > :weddings then
            workload.id('vendor', 1 + floor(:vendors * power(workload.uniform(n, 65), 1.5))::bigint) end as vendor_id,
        case when w.cancelled or workload.uniform(n, 66) < 0.1 then 'cancelled'
            when w.wedding_date < :'anchor' then 'completed'
            when workload.uniform(n, 67) < 0.7 then 'confirmed' else 'pending' end::booking_status as status,
        20 + floor(180 * workload.uniform(w.number, 30))::integer as guest_count,
        least(w.wedding_date - interval '1 day' * (30 + 350 * workload.uniform(n, 68)),
            :'anchor'::timestamptz - interval '1 day' * 300 * power(workload.uniform(n, 69), 2)) as created_at
    from generate_series(1, :bookings) as n
    join wedding as w on w.number = 1 + (n - 1) % :weddings
) as booking;

\echo availability
insert into availability
select
    workload.id('availability', n),
    workload.id('venue', 1 + (n - 1) / 600),
    day,
    workload.uniform(n, 70) > case when extract(isodow from day) = 6 then 0.6 else 0.15 end,
    100 * (10 + floor(80 * workload.uniform(n, 71))),
    :'anchor'::timestamptz - interval '1 day' * 90 * workload.uniform(n, 72)
from (
    select n, :'anchor'::date + ((n - 1) % 600)::integer as day from generate_series(1, 600 * :venues) as n
) as calendar;

\echo invoices and payments
-- Invoice n is that of booking n.
insert into invoices
select
    workload.id('invoice', n), workload.id('booking', n), 'INV-' || lpad(n::text, 9, '0'),
    50 * (4 + floor(100 * power(workload.uniform(n, 60), 3))),
    case when status = 'paid' then 50 * (4 + floor(100 * power(workload.uniform(n, 60), 3))) else 0 end,
    status, due_on, due_on - interval '60 days'
from (
    select
        n, w.wedding_date - 14 as due_on,
        case when w.cancelled then 'void'
            when w.wedding_date - 14 < :'anchor' then
                case when workload.uniform(n, 80) < 0.95 then 'paid' else 'overdue' end
            when workload.uniform(n, 80) < 0.3 then 'paid'
            when workload.uniform(n, 80) < 0.85 then 'sent' else 'draft' end::invoice_status as status
    from generate_series(1, :invoices) as n
    join wedding as w on w.number = 1 + (n - 1) % :weddings
) as invoice;

insert into payments
select
    workload.id('payment', n), workload.id('invoice', invoice), workload.id('booking', invoice),
    w.couple_id,
    25 * (4 + floor(100 * power(workload.uniform(invoice, 60), 3))),
    workload.pick('{succeeded,pending,failed,refunded}', power(workload.uniform(n, 81), 5))::payment_status,
    workload.pick('{card,transfer,wallet}', power(workload.uniform(n, 82), 2)),
    jsonb_build_object('provider_reference', md5('reference' || n)),
    created_at, created_at + interval '1 second' * 5 * workload.uniform(n, 83)
from (
    select
        n, 1 + (n - 1) % :invoices as invoice,
        :'anchor'::timestamptz - interval '1 day' * 700 * workload.uniform(n, 84) as created_at
    from generate_series(1, :payments) as n
) as payment
join wedding as w on w.number = 1 + (invoice - 1) % :weddings;

\echo timeline
insert into timeline_events
select
    workload.id('timeline_event', n), w.id,
    case when workload.uniform(n, 90) < 0.5 then
        workload.id('vendor', 1 + floor(:vendors * workload.uniform(n, 91))::bigint) end,
    workload.pick(:'events', part / 25.0),
    initcap(workload.pick(:'places', workload.uniform(w.number, 92))),
    starts_at, starts_at + interval '30 minutes',
    case when w.wedding_date < :'anchor' then 'done' else 'planned' end::event_status,
    jsonb_build_object('reminder', workload.uniform(n, 93) < 0.5),
    least(starts_at, :'anchor'::timestamptz) - interval '1 day' * 90 * workload.uniform(n, 94)
from generate_series(1, :timeline_events) as n
join wedding as w on w.number = 1 + (n - 1) % :weddings
cross join lateral (select (n - 1) / :weddings % 25 as part) as position
-- Twenty-two parts on the day from seven in the morning, the last three on the day before.
cross join lateral (
    select w.wedding_date::timestamptz + interval '7 hours' + interval '40 minutes' * part
        - case when part < 22 then interval '0' else interval '1 day' end as starts_at
) as schedule;

\echo guests
insert into guests
select
    workload.id('guest', n), w.id, 'Guest ' || n,
    case when workload.uniform(n, 100) < 0.8 then 'guest' || n || '@example.com' end,
    workload.pick('{first,second}', workload.uniform(n, 101)),
    case when workload.uniform(n, 102) < 0.7 then 1 + floor(15 * workload.uniform(n, 103))::integer end,
    case when workload.uniform(n, 104) < 0.15 then
        jsonb_build_object('diet',
            workload.pick('{vegetarian,vegan,halal,gluten free}', workload.uniform(n, 105))) end,
    least(w.wedding_date - interval '1 day' * (60 + 200 * workload.uniform(n, 106)),
        :'anchor'::timestamptz - interval '1 day' * 60 * workload.uniform(n, 107))
from generate_series(1, :guests) as n
join wedding as w on w.number = 1 + (n - 1) % :weddings;

insert into invitations
select
    workload.id('invitation', n), wedding_id, workload.id('guest', n), rsvp,
    workload.uniform(n, 110) < 0.25, sent_at,
    case when rsvp <> 'pending' then sent_at + interval '1 day' * 20 * workload.uniform(n, 111) end
from (
    select
        n, w.id as wedding_id,
        case when workload.uniform(n, 112) < case when w.wedding_date < :'anchor' then 0.02 else 0.5 end
            then 'pending'
            else workload.pick('{accepted,declined,maybe}', power(workload.uniform(n, 113), 2))
            end::rsvp_status as rsvp,
        least(w.wedding_date - interval '90 days', :'anchor'::timestamptz - interval '20 days') as sent_at
    from generate_series(1, :guests) as n
    join wedding as w on w.number = 1 + (n - 1) % :weddings
    -- One guest in twenty is on the list and not invited yet.
    where n % 20 <> 0
) as invitation;

\echo notifications, messages, reviews
insert into notifications
select
    workload.id('notification', n), workload.id('user', 1 + (n - 1) % (2 * :weddings)),
    workload.pick('{booking_confirmed,payment_received,message,rsvp,reminder}', workload.uniform(n, 120)),
    jsonb_build_object('booking', workload.id('booking', 1 + n % :bookings)),
    created_at,
    case when workload.uniform(n, 121) < 0.85 then created_at + interval '1 day' * workload.uniform(n, 122) end
from (
    select
        n, :'anchor'::timestamptz - interval '1 day' * (1 + 300 * power(workload.uniform(n, 123), 2)) as created_at
    from generate_series(1, :notifications) as n
) as notification;

insert into messages
select
    workload.id('message', n), workload.id('wedding', couple),
    workload.id('user', case when n % 2 = 0 then couple else vendor_owner end),
    workload.id('user', case when n % 2 = 0 then vendor_owner else couple end),
    format('About the %s: we would like to talk about %s.',
        workload.pick(:'places', workload.uniform(n, 130)), workload.pick(:'services', workload.uniform(n, 131))),
    created_at,
    case when workload.uniform(n, 132) < 0.8 then created_at + interval '1 day' * workload.uniform(n, 133) end
from (
    select
        n, 1 + (n - 1) % :weddings as couple,
        2 * :weddings + 1 + floor(:vendors * power(workload.uniform(n, 134), 1.5))::bigint as vendor_owner,
        :'anchor'::timestamptz - interval '1 day' * (1 + 400 * power(workload.uniform(n, 135), 2)) as created_at
    from generate_series(1, :messages) as n
) as message;

insert into reviews
select
    workload.id('review', n), workload.id('user', 1 + (n - 1) % (2 * :weddings)),
    workload.id('vendor', 1 + floor(:vendors * power(workload.uniform(n, 140), 1.5))::bigint),
    5 - floor(4 * power(workload.uniform(n, 141), 3))::smallint,
    case when workload.uniform(n, 142) < 0.8 then
        format('A %s day, and %s.', workload.pick(:'styles', workload.uniform(n, 143)),
            workload.pick(:'praises', workload.uniform(n, 144))) end,
    :'anchor'::timestamptz - interval '1 day' * 700 * workload.uniform(n, 145)
from generate_series(1, :reviews) as n
on conflict (user_id, vendor_id) do nothing;

commit;

\echo analyze
analyze;
