-- What a couple has paid so far.
\set wedding random(1, :weddings)
select workload.id('couple', :wedding) as couple_id \gset
select p.id, p.amount, p.status, p.method, p.created_at, i.number
from payments p
join invoices i on i.id = p.invoice_id
where p.couple_id = :couple_id
order by p.created_at desc
limit 20;
