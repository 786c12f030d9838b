-- The revenue of one day, for the staff.
\set days -random(1, 60)
select workload.day(:days) as paid_on \gset
select method, count(*), sum(amount)
from payments
where date_trunc('day', created_at) = :paid_on and status = 'succeeded'
group by method;
