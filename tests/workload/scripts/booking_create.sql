-- A couple asks for a date.
\set venue random_zipfian(1, :venues, 1.05)
\set wedding random(1, :weddings)
\set days random(30, 590)
\set guest_count random(20, 200)
\set amount random(20, 500) * 50
select
    workload.id('venue', :venue) as venue_id, workload.id('wedding', :wedding) as wedding_id,
    workload.day(:days) as wedding_date \gset
begin;
select count(*) > 0 as taken
from bookings
where venue_id = :venue_id and wedding_date = :wedding_date and status = 'confirmed';
insert into bookings (wedding_id, venue_id, wedding_date, status, guest_count, amount)
values (:wedding_id, :venue_id, :wedding_date, 'pending', :guest_count, :amount)
returning id;
update availability
set is_available = false, updated_at = now()
where venue_id = :venue_id and day = :wedding_date;
commit;
