-- The page of one vendor: profile, review figures, latest reviews.
\set vendor random_zipfian(1, :vendors, 1.05)
select workload.id('vendor', :vendor) as vendor_id \gset
select * from vendors where id = :vendor_id;
select count(*) as reviews, avg(rating) as average_rating from reviews where vendor_id = :vendor_id;
select rating, comment, created_at
from reviews
where vendor_id = :vendor_id
order by created_at desc
limit 10;
