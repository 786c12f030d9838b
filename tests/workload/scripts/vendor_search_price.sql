-- A category in a city within a budget.
\set category random_zipfian(1, 62, 1.1)
\set city random_zipfian(1, 40, 1.1)
\set rating random(3, 4)
select c.word as category, l.word as location
from workload.word c, workload.word l
where c.list = 'category' and c.n = :category and l.list = 'city' and l.n = :city \gset
select id, name, rating, price_range, services
from vendors
where category = :category and location = :location
    and price_range in ('budget', 'moderate') and rating >= :rating
    and status = 'active' and verified = true
order by rating desc
limit 20;
