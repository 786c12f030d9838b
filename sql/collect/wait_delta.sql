create or replace function _wedding_dbopt.wait_delta(since timestamptz, until timestamptz)
returns table (at timestamptz, samples integer, queryid bigint, dbid oid, wait text, sessions integer)
language sql stable parallel safe security invoker
begin atomic
  select s.at, s.samples, unnest(s.wait_queryids), unnest(s.wait_dbids), unnest(s.waits), unnest(s.wait_samples)
  from _wedding_dbopt.connection_sample s
  where s.at > wait_delta.since and s.at <= wait_delta.until;
end;
comment on function _wedding_dbopt.wait_delta(timestamptz, timestamptz) is
  'Active sessions of each interval that ended in (since, until], by statement and what they waited for (null = work on a CPU), counted over the samples of the interval.';
