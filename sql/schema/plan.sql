create table _wedding_dbopt.statement_plan (
  statement_id integer not null,  -- no foreign key, as statement_text: forgotten statements take their plans with them
  fingerprint  text not null,
  first_seen   timestamptz not null,
  last_seen    timestamptz not null,
  cost         float8 not null,
  shape        text not null,
  primary key (statement_id, fingerprint)
);
comment on table _wedding_dbopt.statement_plan is
  'The plans that tuning runs saw of a statement: fingerprint of the structure, when it was seen first and last, its cost and shape (nodes, tables and indexes, no values).';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.statement_plan', '');
