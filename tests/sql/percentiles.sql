-- Samples of known durations: the true percentile must lie between the bounds, always.
begin;
select plan(7);
select setseed(0.5);
create temporary table duration as
select shape, size, n, case shape
    when 'constant' then 7 when 'uniform' then 1 + 9 * random() when 'two groups' then case when random() < 0.93 then 2 else 300 end + random()
    when 'exponential' then -20 * ln(1 - random()) when 'heavy tail' then 3 * (1 - random()) ^ (-0.7) when 'one far out' then case when n = 1 then 9000 else 1 end end as ms
from unnest(array['constant', 'uniform', 'two groups', 'exponential', 'heavy tail', 'one far out']) as shape,
     unnest(array[1, 2, 3, 7, 19, 20, 21, 100, 101, 999, 5000]) as size, generate_series(1, size) as n;
create temporary table judged as
select d.*, q.share, true_ms, _wedding_dbopt.percentile_low(size, total, sq, q.share) as low, _wedding_dbopt.percentile_ms(size, total, sq, q.share, q.z) as estimate,
  _wedding_dbopt.percentile_high(size, total, sq, q.share) as high
from (select shape, size::bigint, sum(ms) as total, sum(ms * ms)::real::float8 as sq from duration group by 1, 2) d
cross join (values (0.5::float8, 0::float8), (0.95, 1.6448536269514722), (0.99, 2.3263478740408408)) as q(share, z)
cross join lateral (select percentile_disc(q.share) within group (order by ms) as true_ms from duration v where v.shape = d.shape and v.size = d.size) t;
select is(count(*) filter (where true_ms not between low and high), 0::bigint, format('the bounds hold in all %s cases', count(*))) from judged;
select is(count(*) filter (where estimate not between low and high), 0::bigint, 'the estimate keeps within them') from judged;
select ok(bool_and(high - low < 0.1), 'what does not vary is known') from judged where shape = 'constant';
select ok(max(abs(estimate / true_ms - 1)) < 0.35, 'the 95th and 99th of an exponential distribution are estimated within 35 percent')
from judged where shape = 'exponential' and size >= 999 and share > 0.5;
select ok(bool_and(high <= true_ms * 8), 'and their bounds are of use') from judged where shape in ('uniform', 'exponential') and size >= 999;

-- A context: the same durations as statements of one context.
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context)
select row_number() over (order by shape), oid, 1, true, '2001-06-01Z', 'booking'
from (select distinct shape from duration) d, pg_database where datname = current_database();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
select '2001-06-02 12:00Z', '2001-06-02 11:59Z', true, array_agg(id order by id), array_agg(calls order by id), array_agg(us order by id), array_agg(sq order by id)
from (select s.id, count(*)::integer as calls, (1000 * sum(ms))::bigint as us, sum(ms * ms)::real as sq
      from (select *, dense_rank() over (order by shape) as queryid from duration where size = 5000) d
      join _wedding_dbopt.statement s on s.queryid = d.queryid and s.first_seen = '2001-06-01Z' group by s.id) load;
create temporary table context_judged as
select p.*, (select percentile_disc(p.share) within group (order by ms) from duration where size = 5000) as true_ms
from _wedding_dbopt.context_percentiles('2001-06-02 11:00Z', '2001-06-02 13:00Z') p;
select is(count(*) filter (where true_ms between low and high and estimate between low and high), 3::bigint, 'the bounds of a context hold') from context_judged;
select ok(max(abs(ln(estimate / true_ms))) < ln(3), 'its estimates are within a factor of 3 on this hard mixture') from context_judged;
select * from finish();
rollback;
