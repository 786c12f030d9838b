create or replace function _wedding_dbopt.sample_contexts(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.store_contexts(sample_contexts.at - interval '1 microsecond', sample_contexts.at);
end $$;
comment on function _wedding_dbopt.sample_contexts(timestamptz) is
  'Stores what each business context did in the pass that was just taken.';
