-- Has the payment of a booking arrived?
\set invoice random(1, :invoices)
select workload.id('booking', :invoice) as booking_id \gset
select id, status, amount, method, processed_at
from payments
where booking_id = :booking_id
order by created_at desc
limit 1;
