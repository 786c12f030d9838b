-- Which dates of a venue are taken in the coming weeks?
\set venue random_zipfian(1, :venues, 1.05)
\set days random(0, 500)
select
    workload.id('venue', :venue) as venue_id, workload.day(:days) as from_date,
    workload.day(:days + 42) as to_date \gset
select id, wedding_id, wedding_date, status, guest_count
from bookings
where venue_id = :venue_id and wedding_date between :from_date and :to_date
    and status in ('confirmed', 'pending')
order by wedding_date
limit 50;
