-- The calendar of a venue.
\set venue random_zipfian(1, :venues, 1.05)
\set days random(0, 500)
select
    workload.id('venue', :venue) as venue_id, workload.day(:days) as from_date,
    workload.day(:days + 60) as to_date \gset
select name, city, capacity, rating from venues where id = :venue_id;
select day, price
from availability
where venue_id = :venue_id and day >= :from_date and day < :to_date and is_available
order by day;
