-- All bookings of a wedding with their venue and vendor.
\set wedding random(1, :weddings)
select workload.id('wedding', :wedding) as wedding_id \gset
select b.id, b.status, b.wedding_date, b.amount, ve.name as venue, vn.name as vendor, vn.category
from bookings b
join venues ve on ve.id = b.venue_id
left join vendors vn on vn.id = b.vendor_id
where b.wedding_id = :wedding_id
order by b.created_at;
