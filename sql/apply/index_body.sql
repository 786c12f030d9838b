create or replace function _wedding_dbopt.index_body(definition text) returns text
language sql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select regexp_replace(lower(substring(index_body.definition from '\)?\s+USING\s+(.*)$')),
    '::(?:character varying|double precision|time(?:stamp)? with(?:out)? time zone|[\w."]+)(?:\(\d+\))?(?:\[\])?'
    '|with \([^()]*\)|[\s"();]', '', 'gi')
$$;
comment on function _wedding_dbopt.index_body(text) is
  'What an index holds, from its definition: method, keys, included columns and predicate, without casts, brackets and options, so that two spellings of it can be compared.';
