-- A small wedding platform made well: the counterpart of platform.sql. A health check has nothing to say about it, and
-- tests/workload/faults.py breaks it in one place at a time.

set client_min_messages = warning;

do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_roles where rolname = api_role) then
            execute format('create role %I nologin', api_role);
        end if;
    end loop;
end
$$;
alter role service_role bypassrls;
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';

create schema auth;
grant usage on schema auth to anon, authenticated, service_role;
create function auth.uid() returns uuid language sql stable set search_path = pg_catalog, pg_temp
    as $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;

revoke create on schema public from public;
grant usage on schema public to anon, authenticated, service_role;
set search_path = public;

create table users (
    id uuid primary key default gen_random_uuid(),
    email text not null unique,
    full_name text not null,
    created_at timestamptz not null default now()
);

create table vendors (
    id uuid primary key default gen_random_uuid(),
    owner_id uuid not null references users,
    slug text not null unique,
    name text not null,
    services jsonb not null default '[]'
);
create index on vendors (owner_id);

create table weddings (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users,
    wedding_date date not null,
    budget numeric(12, 2)
);
create index on weddings (user_id);
create index on weddings (wedding_date);

create table bookings (
    id bigint generated always as identity primary key,
    wedding_id uuid not null references weddings,
    vendor_id uuid not null references vendors,
    amount numeric(12, 2) not null check (amount >= 0),
    currency char(3) not null default 'EUR',
    status text not null default 'pending',
    notes text,
    created_at timestamptz not null default now()
);
create index on bookings (wedding_id, created_at);
create index on bookings (vendor_id) include (status);

create table payments (
    id bigint generated always as identity primary key,
    booking_id bigint not null references bookings,
    amount numeric(12, 2) not null,
    paid_at timestamptz
);
create index on payments (booking_id);

create table guests (
    id bigint generated always as identity primary key,
    wedding_id uuid not null references weddings on delete cascade,
    full_name text not null,
    rsvp text not null default 'pending',
    constraint rsvp_known check (rsvp in ('pending', 'accepted', 'declined'))
);
create index on guests (wedding_id);

create table audit_log (
    id bigint generated always as identity,
    at timestamptz not null,
    what text not null,
    primary key (id, at)
) partition by range (at);
create table audit_log_past partition of audit_log for values from ('2020-01-01') to ('2030-01-01');
create table audit_log_future partition of audit_log for values from ('2030-01-01') to ('2040-01-01');
create index audit_log_at on audit_log (at);

create view vendor_names with (security_invoker = on) as select id, slug, name from vendors;
create function booking_total(wedding uuid) returns numeric language sql stable set search_path = public, pg_temp
    as $$ select sum(amount) from bookings where wedding_id = wedding $$;

alter table users enable row level security;
alter table vendors enable row level security;
alter table weddings enable row level security;
alter table bookings enable row level security;
alter table payments enable row level security;
alter table guests enable row level security;
create policy own_user on users for select to authenticated using (id = (select auth.uid()));
create policy everybody_sees_vendors on vendors for select to anon, authenticated using (true);
create policy own_weddings on weddings to authenticated using (user_id = (select auth.uid()));
create policy own_bookings on bookings to authenticated
    using (wedding_id in (select id from weddings where user_id = (select auth.uid())));
create policy own_payments on payments for select to authenticated
    using (booking_id in (select b.id from bookings b join weddings w on w.id = b.wedding_id where w.user_id = (select auth.uid())));
create policy own_guests on guests to authenticated
    using (wedding_id in (select id from weddings where user_id = (select auth.uid())));
grant select on vendors, vendor_names to anon;
grant select on users, vendors, vendor_names, payments to authenticated;
grant select, insert, update, delete on weddings, bookings, guests to authenticated;

insert into users (email, full_name) select 'user' || g || '@example.org', 'User ' || g from generate_series(1, 500) g;
insert into vendors (owner_id, slug, name)
select id, 'vendor-' || row_number() over (), 'Vendor of ' || full_name from users limit 100;
insert into weddings (user_id, wedding_date, budget)
select id, date '2026-05-01' + (row_number() over () % 180)::integer, 20000 from users;
insert into bookings (wedding_id, vendor_id, amount)
select w.id, v.id, 1000 from weddings w cross join (select id from vendors limit 10) v;
insert into payments (booking_id, amount, paid_at) select id, amount / 2, now() from bookings;
insert into guests (wedding_id, full_name) select id, 'Guest ' || g from weddings, generate_series(1, 40) g;
insert into audit_log (at, what) select timestamptz '2026-01-01' + g * interval '1 hour', 'seen' from generate_series(1, 2000) g;
