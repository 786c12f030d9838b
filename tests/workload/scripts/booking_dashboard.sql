-- The bookings of one day, for the staff.
\set days -random(1, 60)
select workload.day(:days) as created_on \gset
select status, count(*), sum(amount)
from bookings
where date(created_at) = :created_on
group by status
order by status;
