create or replace function _wedding_dbopt.surges_on(at timestamptz)
returns table (context text, began_at timestamptz, detected_at timestamptz, factor float8, usual float8, basis text)
language plpgsql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  select s.context, s.began_at, s.detected_at, s.factor, s.usual, s.basis
  from _wedding_dbopt.surge s
  where s.detected_at <= surges_on.at and (s.ended_at is null or s.ended_at > surges_on.at);
end $$;
comment on function _wedding_dbopt.surges_on(timestamptz) is
  'The surges that were on at a time: context (all = the sum of all), the greatest factor so far, the usual calls per minute, and what that rests on.';
