-- Vendors of a category without a recent review: newcomers to show.
\set category random_zipfian(1, 62, 1.1)
select word as category, workload.day(-30) as since
from workload.word
where list = 'category' and n = :category \gset
select id, name, location, created_at
from vendors
where category = :category and status = 'active'
    and id not in (select vendor_id from reviews where created_at >= :since)
order by created_at desc
limit 10;
