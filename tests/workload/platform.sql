-- A wedding-booking platform on a Supabase-style database, as its own migrations would create it.
--
-- Its indexes are those an ORM leaves behind: primary keys and unique constraints. Three more are bad on
-- purpose:
--   users_email_idx        exact duplicate of the unique constraint users_email_key
--   bookings_currency_idx  never used: nearly all rows hold one value
--   reviews_user_id_idx    redundant prefix of the unique constraint reviews_user_id_vendor_id_key

begin;

set local client_min_messages = warning;

do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_roles where rolname = api_role) then
            execute format('create role %I nologin', api_role);
        end if;
    end loop;
    if not exists (select from pg_roles where rolname = 'authenticator') then
        create role authenticator login noinherit;
    end if;
end
$$;
alter role service_role bypassrls;
grant anon, authenticated, service_role to authenticator;

create schema auth;
grant usage on schema auth to anon, authenticated, service_role;

create function auth.uid() returns uuid
    language sql stable
    as $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;

set local search_path = public;

create type user_role as enum ('couple', 'vendor', 'planner', 'admin');
create type price_range as enum ('budget', 'moderate', 'premium', 'luxury');
create type listing_status as enum ('active', 'inactive', 'suspended');
create type wedding_status as enum ('planning', 'confirmed', 'completed', 'cancelled');
create type booking_status as enum ('pending', 'confirmed', 'completed', 'cancelled');
create type invoice_status as enum ('draft', 'sent', 'paid', 'overdue', 'void');
create type payment_status as enum ('pending', 'succeeded', 'failed', 'refunded');
create type event_status as enum ('planned', 'in_progress', 'done');
create type rsvp_status as enum ('pending', 'accepted', 'declined', 'maybe');

create table users (
    id uuid primary key default gen_random_uuid(),
    email text not null unique,
    full_name text not null,
    phone text,
    role user_role not null default 'couple',
    preferences jsonb not null default '{}',
    created_at timestamptz not null default now(),
    last_seen_at timestamptz
);

create table couples (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users,
    partner_id uuid references users,
    display_name text not null,
    created_at timestamptz not null default now()
);

create table venues (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    city text not null,
    capacity integer not null,
    price_range price_range not null,
    rating numeric(2, 1),
    status listing_status not null default 'active',
    amenities jsonb not null default '{}',
    created_at timestamptz not null default now()
);

create table weddings (
    id uuid primary key default gen_random_uuid(),
    couple_id uuid not null references couples,
    venue_id uuid references venues,
    wedding_date date not null,
    guest_count integer not null default 0,
    budget numeric(12, 2),
    status wedding_status not null default 'planning',
    settings jsonb not null default '{}',
    created_at timestamptz not null default now()
);

create table vendors (
    id uuid primary key default gen_random_uuid(),
    owner_id uuid not null references users,
    slug text not null unique,
    name text not null,
    description text,
    category text not null,
    location text not null,
    rating numeric(2, 1),
    price_range price_range not null,
    status listing_status not null default 'active',
    verified boolean not null default false,
    services jsonb not null default '[]',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table bookings (
    id uuid primary key default gen_random_uuid(),
    wedding_id uuid not null references weddings,
    venue_id uuid not null references venues,
    vendor_id uuid references vendors,
    wedding_date date not null,
    status booking_status not null default 'pending',
    guest_count integer,
    amount numeric(12, 2) not null,
    currency text not null default 'EUR',
    notes text,
    details jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    confirmed_at timestamptz
);

create table availability (
    id uuid primary key default gen_random_uuid(),
    venue_id uuid not null references venues,
    day date not null,
    is_available boolean not null default true,
    price numeric(12, 2) not null,
    updated_at timestamptz not null default now()
);

create table invoices (
    id uuid primary key default gen_random_uuid(),
    booking_id uuid not null references bookings,
    number text not null unique,
    total numeric(12, 2) not null,
    amount_paid numeric(12, 2) not null default 0,
    status invoice_status not null default 'draft',
    due_on date not null,
    created_at timestamptz not null default now()
);

create table payments (
    id uuid primary key default gen_random_uuid(),
    invoice_id uuid not null references invoices,
    booking_id uuid not null references bookings,
    couple_id uuid not null references couples,
    amount numeric(12, 2) not null,
    status payment_status not null default 'pending',
    method text not null,
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    processed_at timestamptz
);

create table timeline_events (
    id uuid primary key default gen_random_uuid(),
    wedding_id uuid not null references weddings,
    vendor_id uuid references vendors,
    title text not null,
    location text,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    status event_status not null default 'planned',
    details jsonb not null default '{}',
    updated_at timestamptz not null default now()
);

create table guests (
    id uuid primary key default gen_random_uuid(),
    wedding_id uuid not null references weddings,
    full_name text not null,
    email text,
    side text not null,
    table_number integer,
    dietary jsonb,
    created_at timestamptz not null default now()
);

create table invitations (
    id uuid primary key default gen_random_uuid(),
    wedding_id uuid not null references weddings,
    guest_id uuid not null unique references guests on delete cascade,
    rsvp rsvp_status not null default 'pending',
    plus_one boolean not null default false,
    sent_at timestamptz,
    responded_at timestamptz
);

create table notifications (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users,
    kind text not null,
    payload jsonb not null default '{}',
    created_at timestamptz not null default now(),
    read_at timestamptz
);

create table messages (
    id uuid primary key default gen_random_uuid(),
    wedding_id uuid not null references weddings,
    sender_id uuid not null references users,
    recipient_id uuid not null references users,
    body text not null,
    created_at timestamptz not null default now(),
    read_at timestamptz
);

create table reviews (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users,
    vendor_id uuid not null references vendors,
    rating smallint not null check (rating between 1 and 5),
    comment text,
    created_at timestamptz not null default now(),
    unique (user_id, vendor_id)
);

create index users_email_idx on users (email);
create index bookings_currency_idx on bookings (currency);
create index reviews_user_id_idx on reviews (user_id);

alter table timeline_events enable row level security;
alter table guests enable row level security;
alter table messages enable row level security;
alter table notifications enable row level security;

create policy couple_manages_timeline on timeline_events to authenticated
    using (wedding_id in (
        select w.id from weddings w join couples c on c.id = w.couple_id where c.user_id = auth.uid()));

create policy couple_manages_guests on guests to authenticated
    using (wedding_id in (
        select w.id from weddings w join couples c on c.id = w.couple_id where c.user_id = auth.uid()));

create policy participant_reads_messages on messages for select to authenticated
    using (sender_id = auth.uid() or recipient_id = auth.uid());

create policy sender_writes_messages on messages for insert to authenticated
    with check (sender_id = auth.uid());

create policy user_manages_notifications on notifications to authenticated
    using (user_id = auth.uid());

grant usage on schema public to anon, authenticated, service_role;
grant select on venues, vendors, availability, reviews to anon;
grant select on all tables in schema public to authenticated;
grant insert, update, delete on timeline_events, guests, invitations, messages, notifications, reviews
    to authenticated;
grant all on all tables in schema public to service_role;

commit;
