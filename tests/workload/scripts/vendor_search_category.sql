-- The usual search: a category in a city, the best first.
\set category random_zipfian(1, 62, 1.1)
\set city random_zipfian(1, 40, 1.1)
select c.word as category, l.word as location
from workload.word c, workload.word l
where c.list = 'category' and c.n = :category and l.list = 'city' and l.n = :city \gset
select id, name, category, location, rating, price_range
from vendors
where category = :category and location = :location and status = 'active' and verified = true
order by rating desc nulls last
limit 20;
