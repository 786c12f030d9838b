-- Free text over name and description.
\set style random(1, 26)
\set place random(1, 22)
select s.word || ' ' || p.word as phrase
from workload.word s, workload.word p
where s.list = 'style' and s.n = :style and p.list = 'place' and p.n = :place \gset
select id, name, category, location, rating
from vendors
where to_tsvector('english', name || ' ' || coalesce(description, '')) @@ websearch_to_tsquery('english', :phrase)
    and status = 'active' and verified = true
order by rating desc nulls last
limit 20;
