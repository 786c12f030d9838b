create or replace function wedding_dbopt.get_baselines(baseline text default null, limit_count integer default 100)
returns table(name text, comment text, origin text, created_by text, created_at timestamptz, since timestamptz, until timestamptz,
              complete boolean, statements integer, total_calls bigint, total_exec_time numeric, avg_duration numeric, run_id bigint, bytes bigint)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  perform _wedding_dbopt.require(get_baselines.limit_count > 0, 'limit_count must be positive', 'Ask for 1 row or more.');
  return query
  select kept.name, kept.comment, kept.origin, kept.created_by, kept.created_at, kept.since, kept.until, kept.complete,
         cardinality(kept.ids), coalesce(total.calls, 0), round(coalesce(total.exec_ms, 0)::numeric, 3),
         round((total.exec_ms / total.calls)::numeric, 6),
         (select run.id from _wedding_dbopt.tuning_run as run where run.baseline_id = kept.id order by run.id limit 1),
         pg_column_size(kept.*)::bigint
  from _wedding_dbopt.baseline as kept
  left join lateral jsonb_to_recordset(kept.contexts) as total(context text, calls bigint, exec_ms float8) on total.context = 'all'
  where get_baselines.baseline is null or kept.name = get_baselines.baseline
  order by kept.until desc, kept.id desc
  limit get_baselines.limit_count;
end $$;
comment on function wedding_dbopt.get_baselines(text, integer) is
  'The kept baselines, the youngest first, or the one of a name: what window they describe, how much they hold, the tuning run they stood before, and their size in bytes without the catalogue they share. Times in milliseconds.';
