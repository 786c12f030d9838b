-- Is anything overdue for a wedding?
\set wedding random(1, :weddings)
select workload.id('wedding', :wedding) as wedding_id \gset
select (
    select count(*) from invoices i join bookings b on b.id = i.booking_id
    where b.wedding_id = :wedding_id and i.status = 'overdue') > 0 as has_overdue;
