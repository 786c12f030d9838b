-- A payment comes in: it is recorded and the invoice brought up to date.
\set invoice random(1, :invoices)
\set wedding 1 + (:invoice - 1) % :weddings
\set amount random(4, 40) * 25
select workload.id('booking', :invoice) as booking_id, workload.id('couple', :wedding) as couple_id \gset
begin;
select id as invoice_id, total, amount_paid from invoices where booking_id = :booking_id for update \gset
insert into payments (invoice_id, booking_id, couple_id, amount, status, method, processed_at)
values (:invoice_id, :booking_id, :couple_id, :amount, 'succeeded', 'card', now());
update invoices
set amount_paid = amount_paid + :amount,
    status = case when amount_paid + :amount >= total then 'paid' else status end
where id = :invoice_id;
commit;
